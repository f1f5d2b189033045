// What happened to a dataset: its jobs with their phases, attempts and failures, and who reads it now.
import { useQuery } from '@tanstack/react-query';
import { jobsQuery } from '../../api/queries';
import { formatCount } from '../../format';
import { ReadersTable } from '../../readers/ReadersTable';
import { Button, EmptyState, Problem, Skeleton } from '../../ui';
import type { Dataset } from '../queries';
import { JobCard } from './JobCard';

/** The newest jobs; older ones stand on the page Jobs. */
const SHOWN = 50;

export default function ActivityTab({ dataset }: { dataset: Dataset }) {
  const query = useQuery(jobsQuery({ dataset_id: dataset.id, limit: SHOWN }));
  const jobs = query.data?.items ?? [];
  const total = query.data?.total ?? 0;
  return (
    <div className="flex flex-col gap-8">
      <section aria-labelledby="activity-jobs">
        <h2 id="activity-jobs" className="mb-2 text-lg font-semibold">
          Jobs
        </h2>
        {query.error && (
          <Problem
            problem={query.error}
            title="No jobs"
            actions={<Button onClick={() => void query.refetch()}>Try again</Button>}
          />
        )}
        {query.isPending && <Skeleton className="h-32" />}
        {query.data && jobs.length === 0 && (
          <EmptyState icon="clock" title="Nothing happened yet">
            Downloads and tokenizations of this dataset are listed here.
          </EmptyState>
        )}
        <ol className="flex flex-col gap-3">
          {jobs.map((job) => (
            <li key={job.id}>
              <JobCard job={job} dataset={dataset} isNewestOfItsKind={newestOfSubject(jobs, job)} />
            </li>
          ))}
        </ol>
        {total > jobs.length && (
          <p className="mt-2 text-sm text-muted">… and {formatCount(total - jobs.length)} older jobs.</p>
        )}
      </section>
      <ReadersTable dataset={dataset} />
    </div>
  );
}

/** Only the newest job of a download or tokenization can be tried again. */
function newestOfSubject(
  jobs: readonly { id: string; tokenization_id?: string | null }[],
  job: { id: string; tokenization_id?: string | null },
): boolean {
  return jobs.find((one) => (one.tokenization_id ?? null) === (job.tokenization_id ?? null))?.id === job.id;
}
