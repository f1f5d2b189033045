// Tries a failed or cancelled job again: a download resumes with the files that it has.
import { useCallback } from 'react';
import { useAction } from '../../panel/useAction';
import { datasetsStore } from '../../store/datasetsStore';
import { Button } from '../../ui';
import { RetryTokenization } from '../tokenizations/RetryTokenization';
import type { Dataset, Job, Tokenization } from '../queries';

interface RetryJobProps {
  job: Job;
  dataset: Dataset;
  tokenization: Tokenization | undefined;
}

export function RetryJob({ job, dataset, tokenization }: RetryJobProps) {
  if (job.kind === 'ingest')
    return dataset.status === 'ready' ? null : <RetryDownload datasetId={dataset.id} />;
  return tokenization ? (
    <div>
      <RetryTokenization tokenization={tokenization} />
    </div>
  ) : null;
}

function RetryDownload({ datasetId }: { datasetId: string }) {
  const [busy, retry] = useAction(
    'The download was not started',
    useCallback(() => datasetsStore.getState().startDownload(datasetId), [datasetId]),
  );
  return (
    <div>
      <Button size="sm" icon="refresh" busy={busy} onClick={() => void retry()}>
        Retry
      </Button>
    </div>
  );
}
