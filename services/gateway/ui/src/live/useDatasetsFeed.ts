// Listens to all datasets as long as a list of them is shown.
import { useEffect } from 'react';
import { receiveDatasets } from './datasetsFeed';
import { isPanelMessage } from './messages';
import { socket } from './page';

export function useDatasetsFeed(): void {
  useEffect(
    () =>
      socket.subscribe('datasets', (message) => {
        if (isPanelMessage(message)) receiveDatasets(message);
      }),
    [],
  );
}
