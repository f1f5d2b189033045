// Starts a failed or cancelled tokenization again, with the settings that it had.
import { useCallback } from 'react';
import { useAction } from '../../panel/useAction';
import { Button } from '../../ui';
import type { Tokenization } from '../queries';
import { requestOf } from './form';
import { startTokenization } from './start';

export function RetryTokenization({ tokenization: { dataset_id, config } }: { tokenization: Tokenization }) {
  const [busy, retry] = useAction(
    'The tokenization was not started',
    useCallback(() => startTokenization(dataset_id, requestOf(config)), [dataset_id, config]),
  );
  return (
    <Button size="sm" icon="refresh" busy={busy} onClick={() => void retry()}>
      Retry
    </Button>
  );
}
