// Cancels a job that runs, and starts one again that failed.
import { useCallback } from 'react';
import { api, done, type Job } from '../api/client';
import { useAction } from '../panel/useAction';
import { outdate } from '../store/cache';
import { datasetsStore } from '../store/datasetsStore';
import { Button } from '../ui/Button';
import { toast } from '../ui/toast';

async function cancelJob(job: Job): Promise<void> {
  const id = job.tokenization_id;
  if (id === undefined || id === null) return datasetsStore.getState().cancel(job.dataset_id);
  await done(api.POST('/api/v1/tokenizations/{id}/cancel', { params: { path: { id } } }));
  outdate(job.dataset_id);
}

export function JobActions({ job }: { job: Job }) {
  const [cancelling, cancel] = useAction(
    'The job could not be cancelled',
    useCallback(() => cancelJob(job), [job]),
  );
  const [retrying, retry] = useAction(
    'The job could not be started again',
    useCallback(() => datasetsStore.getState().retryJob(job), [job]),
  );
  const active = job.state === 'queued' || job.state === 'running';
  const ended = job.state === 'failed' || job.state === 'cancelled';
  return (
    <div className="flex items-start gap-2">
      {active && (
        <Button
          size="sm"
          icon="close"
          busy={cancelling}
          onClick={() => {
            void cancel().then((ok) => {
              if (ok && job.kind === 'ingest')
                toast.info('Cancelled', 'Partial files are kept; a retry goes on from there.');
            });
          }}
        >
          Cancel
        </Button>
      )}
      {ended && (
        <Button size="sm" icon="refresh" busy={retrying} onClick={() => void retry()}>
          Retry
        </Button>
      )}
    </div>
  );
}
