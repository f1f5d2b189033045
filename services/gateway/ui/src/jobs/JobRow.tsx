// One job: what it does for which dataset, its phases and tries, how it goes or went, and what can be done.
import { Link } from '@tanstack/react-router';
import { memo, useRef } from 'react';
import type { Job } from '../api/client';
import { formatDuration, plural, secondsBetween } from '../format';
import { useDatasetFeed, useLiveDownload, useLiveTokenization } from '../live/useDatasetFeed';
import { useDatasetName } from '../live/names';
import { LiveJobView } from '../panel/LiveJobView';
import { attemptText, KIND_WORDS, phaseWord } from '../panel/phases';
import { useVisible } from '../panel/useVisible';
import { Ago } from '../ui/Ago';
import { StatusBadge } from '../ui/Badge';
import { Icon } from '../ui/Icon';
import { Problem } from '../ui/Problem';
import { JobActions } from './JobActions';
import { fromJob } from '../live/progress';

export const JobRow = memo(function JobRow({ job }: { job: Job }) {
  const row = useRef<HTMLLIElement>(null);
  const visible = useVisible(row);
  const active = job.state === 'queued' || job.state === 'running';
  const name = useDatasetName(job.dataset_id);
  return (
    <li ref={row} className="grid gap-x-4 gap-y-2 px-4 py-3 sm:grid-cols-[7rem_minmax(0,1fr)_auto]">
      <div className="pt-0.5">
        <StatusBadge status={job.state} />
      </div>
      <div className="min-w-0 space-y-2">
        <div className="flex flex-wrap items-baseline gap-x-2 gap-y-0.5">
          <Title job={job} name={name} />
          <span data-numeric="" className="text-xs text-muted">
            <Ago at={job.created_at} />
            {job.finished_at && ` · took ${formatDuration(secondsBetween(job.created_at, job.finished_at))}`}
            {job.tasks.failed > 0 && ` · ${plural(job.tasks.failed, 'task')} failed`}
          </span>
        </div>
        <Phases job={job} />
        {active && <Live job={job} name={name ?? job.dataset_id} visible={visible} />}
        {job.state === 'failed' && job.error && <Problem problem={job.error} compact />}
      </div>
      <JobActions job={job} />
    </li>
  );
});

function Title({ job, name }: { job: Job; name: string | null | undefined }) {
  const word = `${KIND_WORDS[job.kind]} of`;
  if (name === null) return <span className="font-medium text-muted">{word} a dataset that is gone</span>;
  if (name === undefined) return <span className="font-medium text-muted">{word} …</span>;
  return (
    <Link
      data-list-item=""
      to="/datasets/$id/$tab"
      params={{ id: job.dataset_id, tab: job.kind === 'tokenize' ? 'tokenizations' : 'activity' }}
      className="min-w-0 font-medium hover:text-accent-text hover:underline"
    >
      {word} <bdi>{name}</bdi>
    </Link>
  );
}

/** `Plan 0.1 s → Work 12 s (attempt 2 of 3) → Finish 0.3 s` */
function Phases({ job }: { job: Job }) {
  const begun = job.phases.filter((phase) => phase.started_at);
  if (begun.length === 0) return null;
  return (
    <ol
      aria-label="Phases"
      data-numeric=""
      className="flex flex-wrap items-center gap-x-1.5 text-xs text-muted"
    >
      {begun.map(({ name, started_at, finished_at, tries }, n) => (
        <li key={name} className="inline-flex items-center gap-1.5">
          {n > 0 && <Icon name="chevronRight" size={11} className="text-faint" />}
          <span>
            {phaseWord(name)}
            {started_at && finished_at && ` ${formatDuration(secondsBetween(started_at, finished_at))}`}
            {tries > 1 && ` (${attemptText(tries, job.max_tries)})`}
          </span>
        </li>
      ))}
    </ol>
  );
}

function Live({ job, name, visible }: { job: Job; name: string; visible: boolean }) {
  useDatasetFeed(job.dataset_id, visible);
  const download = useLiveDownload(job.dataset_id);
  const tokenization = useLiveTokenization(job.dataset_id, job.tokenization_id ?? '');
  const heard = job.kind === 'ingest' ? download : tokenization;
  const live = heard?.jobId === job.id ? heard : fromJob(undefined, job, Date.parse(job.created_at));
  return (
    <div className="max-w-xl">
      <LiveJobView
        label={`${KIND_WORDS[job.kind]} of ${name}`}
        live={live}
        unit={job.kind === 'ingest' ? 'bytes' : 'rows'}
        datasetId={job.dataset_id}
        job={job}
      />
    </div>
  );
}
