// What moves on a card. On the screen it listens to its dataset; out of sight it keeps a still bar and costs nothing.
import { memo } from 'react';
import type { Dataset } from '../api/client';
import { TokenizationProgress } from '../dataset/tokenizations/TokenizationProgress';
import { useDatasetFeed, useLiveDownload } from '../live/useDatasetFeed';
import { useDatasetsStore } from '../store/datasetsStore';
import { Progress } from '../ui/Progress';
import { formatPercent } from '../format';
import { fromJob } from '../live/progress';
import { LiveJobView } from './LiveJobView';

interface Props {
  dataset: Dataset;
  visible: boolean;
}

/** The tokenizations that run or wait. */
function running(dataset: Dataset) {
  return dataset.tokenizations.filter(({ status }) => status === 'pending' || status === 'running');
}

export function isLive(dataset: Dataset): boolean {
  return dataset.status === 'downloading' || running(dataset).length > 0;
}

export const LiveArea = memo(function LiveArea({ dataset, visible }: Props) {
  useDatasetFeed(dataset.id, visible);
  return (
    <div className="space-y-3">
      {dataset.status === 'downloading' &&
        (visible ? <Download dataset={dataset} /> : <StillDownload dataset={dataset} />)}
      {running(dataset).map((tokenization) => (
        <div key={tokenization.id} className="space-y-1">
          <p className="truncate text-xs text-muted">
            <bdi>{tokenization.tokenizer_name}</bdi>
          </p>
          <TokenizationProgress tokenization={tokenization} job={dataset.job} />
        </div>
      ))}
    </div>
  );
});

function Download({ dataset }: { dataset: Dataset }) {
  const live = useLiveDownload(dataset.id);
  const percent = useDatasetsStore((state) => (live === undefined ? state.percents[dataset.id] : undefined));
  const label = `Download of ${dataset.name}`;
  if (live !== undefined) {
    return <LiveJobView label={label} live={live} unit="bytes" datasetId={dataset.id} job={dataset.job} />;
  }
  // In words before the feed is heard, so that nothing jumps.
  const words = downloadWords(dataset, percent);
  return (
    <div className="space-y-1.5">
      <p className="truncate text-xs font-medium">{words}</p>
      <Progress label={label} percent={percent} text={words} />
    </div>
  );
}

function StillDownload({ dataset }: { dataset: Dataset }) {
  // Read once: nobody sees it move.
  const percent = useDatasetsStore.getState().percents[dataset.id] ?? percentOf(dataset);
  const words = downloadWords(dataset, percent);
  return <Progress label={`Download of ${dataset.name}`} percent={percent} text={words} />;
}

function percentOf({ job }: Dataset): number | undefined {
  return job ? fromJob(undefined, job, 0).percent : undefined;
}

function downloadWords({ job }: Dataset, percent: number | undefined): string {
  if (percent !== undefined) return `Downloading · ${formatPercent(percent / 100, 0)}`;
  return job?.state === 'queued' ? 'Waiting for a worker' : 'Downloading';
}
