// Starts a failed or cancelled tokenization again, with the settings that it had.
import { useCallback } from 'react';
import { useAction } from '../../panel/useAction';
import { datasetsStore } from '../../store/datasetsStore';
import { Button } from '../../ui';
import type { Tokenization } from '../queries';
import { requestOf } from './form';

export function RetryTokenization({ tokenization: { dataset_id, config } }: { tokenization: Tokenization }) {
  const [busy, retry] = useAction(
    'The tokenization was not started',
    useCallback(
      () => datasetsStore.getState().startTokenization(dataset_id, requestOf(config)),
      [dataset_id, config],
    ),
  );
  return (
    <Button size="sm" icon="refresh" busy={busy} onClick={() => void retry()}>
      Retry
    </Button>
  );
}
