// After a download that ended at a row which cannot be read: the same once more, without such rows.
import { useCallback } from 'react';
import { datasetsStore } from '../../store/datasetsStore';
import { useAction } from '../../panel/useAction';
import { Button } from '../../ui';
import type { Dataset } from '../queries';

/** Whether the server says that this would help: other files are broken as a whole. */
export function canSkip({ status, error }: Dataset): boolean {
  return status === 'failed' && (error?.next_step?.includes('on_bad_rows') ?? false);
}

export function SkipBadRows({ dataset: { id, name } }: { dataset: Dataset }) {
  const [busy, start] = useAction(
    `The download of ${name} could not be started`,
    useCallback(() => datasetsStore.getState().startDownload(id, { on_bad_rows: 'skip' }), [id]),
  );
  return (
    <Button size="sm" icon="refresh" busy={busy} onClick={() => void start()}>
      Try again and skip bad rows
    </Button>
  );
}
