// One job: its phases on an axis of time, its attempts, its last failure, and the way to try again.
import { formatCount, formatDuration, formatTime } from '../../format';
import { JobActions } from '../../jobs/JobActions';
import { useNow } from '../../live/useNow';
import { attemptText, phaseWord } from '../../panel/phases';
import { Card, Problem, StatusBadge } from '../../ui';
import type { Dataset, Job } from '../queries';
import { jobSeconds, timeline, type Bar } from './timeline';
import './activity.css';

interface JobCardProps {
  job: Job;
  dataset: Dataset;
  isNewestOfItsKind: boolean;
}

export function JobCard({ job, dataset, isNewestOfItsKind }: JobCardProps) {
  const tokenization = dataset.tokenizations.find((one) => one.id === job.tokenization_id);
  const name =
    job.kind === 'ingest'
      ? 'Download'
      : `Tokenization with ${tokenization?.tokenizer_name ?? 'a deleted configuration'}`;
  // What was tried again since, or deleted, is history. So is a failed download of a dataset that is ready by now.
  const isOfRecord = job.kind === 'ingest' ? dataset.status !== 'ready' : tokenization !== undefined;
  const canAct = isNewestOfItsKind && isOfRecord && job.state !== 'succeeded';
  return (
    <Card className="p-4">
      <article aria-label={name} className="flex flex-col gap-2">
        <header className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <h3 className="font-semibold">
            <bdi>{name}</bdi>
          </h3>
          <StatusBadge status={job.state} />
          <span className="text-sm text-muted">{formatTime(job.created_at)}</span>
        </header>
        <Timeline job={job} />
        {job.error && <Problem problem={job.error} title="Last failure" compact />}
        {canAct && <JobActions job={job} />}
      </article>
    </Card>
  );
}

function facts(job: Job): string[] {
  const { total, done, running, failed } = job.tasks;
  const found = [`${formatCount(done)} of ${formatCount(total)} tasks done`];
  if (running > 0) found.push(`${formatCount(running)} running`);
  if (failed > 0) found.push(`${formatCount(failed)} failed`);
  found.push(attemptText(job.tries, job.max_tries));
  if (job.next_run_at) found.push(`next try at ${formatTime(job.next_run_at)}`);
  return found;
}

function Timeline({ job }: { job: Job }) {
  // Only a job that still runs needs the time.
  return job.finished_at ? (
    <Phases job={job} now={Date.parse(job.finished_at)} />
  ) : (
    <RunningPhases job={job} />
  );
}

function RunningPhases({ job }: { job: Job }) {
  return <Phases job={job} now={useNow()} />;
}

function Phases({ job, now }: { job: Job; now: number }) {
  return (
    <>
      <ol className="timeline" aria-label="Phases">
        {timeline(job, now).map((bar) => (
          <li key={bar.name}>
            <span>{phaseWord(bar.name)}</span>
            <span className="timeline-track" aria-hidden="true">
              <span className={`timeline-bar timeline-${bar.state}`} style={placeOf(bar)} />
            </span>
            <span className="timeline-fact">{said(bar, job)}</span>
          </li>
        ))}
      </ol>
      <p className="text-sm text-muted" data-numeric="">
        {[`${job.finished_at ? 'took' : 'for'} ${formatDuration(jobSeconds(job, now))}`, ...facts(job)].join(
          ' · ',
        )}
      </p>
    </>
  );
}

function placeOf({ from, to, state }: Bar) {
  const least = state === 'waiting' || state === 'kept' ? 0 : 0.5;
  return { left: `${Math.min(from * 100, 100 - least)}%`, width: `${Math.max((to - from) * 100, least)}%` };
}

const STATE_WORDS: Record<Bar['state'], string> = {
  waiting: 'waits',
  running: 'running',
  done: 'done',
  stopped: 'stopped',
  kept: 'kept from before',
};

function said({ state, seconds, tries }: Bar, job: Job): string {
  const parts = [STATE_WORDS[state]];
  if (seconds !== undefined) parts.push(formatDuration(seconds));
  if (tries > 1) parts.push(attemptText(tries, job.max_tries));
  return parts.join(', ');
}
