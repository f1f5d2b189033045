// Live progress of a job: phase, how much of how much, speed, time left and taken, and what to know when it does not
// move. Drawn again up to four times a second, so no button is in here.
import { memo, useEffect } from 'react';
import type { Job } from '../api/client';
import { formatClock, formatDuration, formatEta, formatPercent, secondsBetween } from '../format';
import { countCard } from '../live/beat';
import { isStalled, type LiveFile, type LiveJob } from '../live/progress';
import { useNow } from '../live/useNow';
import { refreshDataset } from '../store/cache';
import { Icon } from '../ui/Icon';
import { Progress } from '../ui/Progress';
import { amountText, fileText, percentText, speedText, valueText, type Unit } from './liveText';
import { attemptText, phaseWord } from './phases';

interface Props {
  /** The accessible name of the bar: "Download of NAME". */
  label: string;
  live: LiveJob;
  unit: Unit;
  datasetId: string;
  /** The record of the job, for what progress does not say. */
  job?: Job | null | undefined;
}

export const LiveJobView = memo(function LiveJobView({ label, live, unit, datasetId, job }: Props) {
  const own = job?.id === live.jobId ? job : undefined;
  const phase = phaseWord(live.phase);
  const speed = speedText(live, unit);
  useEffect(countCard, []);
  return (
    <div className="space-y-1.5">
      {/* What changes is laid out and painted by itself. */}
      <div className="flex items-baseline justify-between gap-2 text-xs contain-content">
        <span className="min-w-0 truncate font-medium">
          {phase}
          {live.percent !== undefined && (
            <span data-numeric="" className="text-muted">
              {' '}
              · {percentText(live)}
            </span>
          )}
        </span>
        {speed !== undefined && <Speed live={live} text={speed} />}
      </div>
      <Progress label={label} percent={live.percent} text={valueText(live, phase, unit)} />
      <p data-numeric="" className="flex flex-wrap gap-x-1.5 text-xs text-muted contain-content">
        <span>{amountText(live, unit)}</span>
        {live.etaSeconds !== undefined && <TimeLeft live={live} seconds={live.etaSeconds} />}
        {own !== undefined && <Elapsed since={own.created_at} />}
        {live.tries > 1 && <span className="text-warn">· {attemptText(live.tries, live.maxTries)}</span>}
      </p>
      <Waiting live={live} job={own} datasetId={datasetId} />
      {live.files.length > 0 && <SlowestFiles files={live.files} />}
    </div>
  );
});

/** An old speed is none, and so is what follows from it. */
function Speed({ live, text }: { live: LiveJob; text: string }) {
  const stalled = isStalled(live, useNow());
  return (
    <span data-numeric="" className={stalled ? 'shrink-0 text-warn' : 'shrink-0 text-muted'}>
      {stalled ? 'stalled' : text}
    </span>
  );
}

function TimeLeft({ live, seconds }: { live: LiveJob; seconds: number }) {
  return isStalled(live, useNow()) ? null : <span>· {formatEta(seconds)} left</span>;
}

function Elapsed({ since }: { since: string }) {
  const now = useNow();
  return <span>· {formatDuration(Math.max(1, Math.floor(secondsBetween(since, now))))} so far</span>;
}

/** Why it does not move: it waits for its next try, or nobody knows. */
function Waiting({ live, job, datasetId }: { live: LiveJob; job: Job | undefined; datasetId: string }) {
  const now = useNow();
  const next = job?.next_run_at ? Date.parse(job.next_run_at) : undefined;
  const waits = next !== undefined && next > now;
  // Who waits for a worker has said so.
  const stalled = live.phase !== '' && isStalled(live, now);
  // Until when it waits, only the record knows: one question for each standstill and each failed try.
  const failed = job !== undefined && live.tries > job.tries;
  useEffect(() => {
    if (stalled || failed) void refreshDataset(datasetId);
  }, [stalled, failed, live.tries, datasetId]);
  if (!waits && !stalled) return null;
  return (
    <p
      className="flex items-start gap-1.5 rounded-md bg-warn-soft px-2 py-1 text-xs text-warn"
      data-numeric=""
    >
      <Icon name={waits ? 'clock' : 'pause'} size={13} className="mt-0.5" />
      {waits
        ? `Next retry at ${formatClock(next)}, in ${formatDuration((next - now) / 1000)}`
        : `Stalled: no progress for ${formatDuration((now - live.movedAt) / 1000)}`}
    </p>
  );
}

function SlowestFiles({ files }: { files: LiveJob['files'] }) {
  return (
    <details className="text-xs">
      <summary className="w-fit text-muted hover:text-ink">
        Slowest {files.length === 1 ? 'file' : `${files.length} files`}
      </summary>
      <ul className="mt-1 space-y-1">
        {files.map((file) => (
          <li key={file.path} className="flex justify-between gap-3">
            <bdi className="min-w-0 truncate font-mono text-2xs leading-5 text-muted" title={file.path}>
              {file.path}
            </bdi>
            <span data-numeric="" className="shrink-0">
              {amountText(file, 'bytes')}
              {file.total > 0 && ` · ${formatPercent(file.done / file.total, 0)}`}
              <FileSpeed file={file} />
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}

function FileSpeed({ file }: { file: LiveFile }) {
  const text = fileText(file, useNow());
  return text === undefined ? null : <span className="text-muted"> · {text}</span>;
}
