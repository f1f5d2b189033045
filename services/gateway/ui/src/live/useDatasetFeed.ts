// Listens to one dataset as long as a component shows it.
import { useEffect } from 'react';
import { useDatasetsStore } from '../store/datasetsStore';
import { receiveDataset } from './datasetFeed';
import { isPanelMessage } from './messages';
import { socket } from './page';
import type { LiveJob } from './progress';

/** `wanted` is false for what is out of sight. */
export function useDatasetFeed(id: string, wanted = true): void {
  useEffect(() => {
    if (!wanted) return undefined;
    return socket.subscribe(`dataset/${id}`, (message) => {
      if (!isPanelMessage(message)) receiveDataset(id, message);
    });
  }, [id, wanted]);
}

/** How far a dataset's download is; undefined when none runs. */
export function useLiveDownload(id: string): LiveJob | undefined {
  return useDatasetsStore((state) => state.live[id]?.download);
}

/** How far a tokenization is; undefined when it does not run, or nothing was heard of it yet. */
export function useLiveTokenization(datasetId: string, tokenizationId: string): LiveJob | undefined {
  return useDatasetsStore((state) => state.live[datasetId]?.tokenizations[tokenizationId]);
}
