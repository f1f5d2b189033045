// All jobs, newest first: what runs, what ran, what failed and why; and who reads over Flight.
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { jobsQuery } from '../api/queries';
import { plural } from '../format';
import { KIND_WORDS } from '../panel/phases';
import { ReadersTable } from '../readers/ReadersTable';
import { JOB_KINDS, JOB_STATES, type JobsSearch } from '../search';
import { statusWord } from '../ui/Badge';
import { Button, ButtonLink } from '../ui/Button';
import { Field, Select } from '../ui/Field';
import { Pager } from '../ui/Pager';
import { EmptyState, PageHeader, Skeleton } from '../ui/parts';
import { Problem } from '../ui/Problem';
import { JobRow } from './JobRow';

const LIMIT = 25;

export function JobsPage() {
  const search = useSearch({ from: '/jobs' });
  const navigate = useNavigate({ from: '/jobs' });
  const { page = 1, state, kind } = search;
  const { data, error, refetch } = useQuery(jobsQuery({ state, kind, page, limit: LIMIT }));
  const change = (part: JobsSearch) => {
    void navigate({ search: (before) => ({ ...before, page: undefined, ...part }) });
  };
  return (
    <>
      <PageHeader title="Jobs">{data === undefined ? ' ' : plural(data.total, 'job')}</PageHeader>
      <div className="mb-4 flex flex-wrap gap-3">
        <Field label="State" quiet className="w-40">
          {(wiring) => (
            <Select
              {...wiring}
              value={state ?? ''}
              onChange={(event) => change({ state: pick(JOB_STATES, event.target.value) })}
            >
              <option value="">All states</option>
              {JOB_STATES.map((one) => (
                <option key={one} value={one}>
                  {statusWord(one)}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Field label="Kind" quiet className="w-40">
          {(wiring) => (
            <Select
              {...wiring}
              value={kind ?? ''}
              onChange={(event) => change({ kind: pick(JOB_KINDS, event.target.value) })}
            >
              <option value="">All kinds</option>
              {JOB_KINDS.map((one) => (
                <option key={one} value={one}>
                  {KIND_WORDS[one]}s
                </option>
              ))}
            </Select>
          )}
        </Field>
      </div>
      {error && data === undefined && (
        <Problem
          problem={error}
          title="The jobs cannot be listed"
          actions={
            <Button size="sm" icon="refresh" onClick={() => void refetch()}>
              Try again
            </Button>
          }
        />
      )}
      {data === undefined && !error && <Skeleton className="h-64" />}
      {data?.total === 0 && <NoJobs filtered={state !== undefined || kind !== undefined} />}
      {data !== undefined && data.items.length > 0 && (
        <ul
          aria-label="Jobs"
          className="divide-y divide-line rounded-lg border border-line bg-surface shadow-card"
        >
          {data.items.map((job) => (
            <JobRow key={job.id} job={job} />
          ))}
        </ul>
      )}
      {data !== undefined && (
        <Pager
          page={page}
          limit={LIMIT}
          total={data.total}
          what="jobs"
          onPage={(next) => change({ page: next })}
        />
      )}
      <div className="mt-8">
        <ReadersTable />
      </div>
    </>
  );
}

function pick<T extends string>(choices: readonly T[], value: string): T | undefined {
  return choices.find((choice) => choice === value);
}

function NoJobs({ filtered }: { filtered: boolean }) {
  if (!filtered) {
    return (
      <EmptyState icon="list" title="No jobs yet" actions={<ButtonLink to="/add">Add a dataset</ButtonLink>}>
        A download or a tokenization that was started is listed here, with its tries and errors.
      </EmptyState>
    );
  }
  return (
    <EmptyState
      icon="search"
      title="No job found"
      actions={<ButtonLink to="/jobs">Show all jobs</ButtonLink>}
    >
      There is none of this state and kind.
    </EmptyState>
  );
}
