// What the timeline says of the tries of a job and of its phases.
import { render, screen, within } from '@testing-library/react';
import { expect, test } from 'vitest';
import type { Dataset, Job } from '../queries';
import { JobCard } from './JobCard';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const phase = (name: string, from: number, tries: number) => ({
  name,
  started_at: at(from),
  finished_at: at(from + 1),
  attempts: tries + 2,
  tries,
});

test('tries are counted of those that are allowed, for the job and for the phase that needed them', () => {
  const job = {
    id: 'job',
    kind: 'ingest',
    dataset_id: 'd',
    state: 'succeeded',
    tasks: { total: 3, done: 3, running: 0, failed: 0 },
    attempt: 4,
    tries: 2,
    max_tries: 3,
    phases: [phase('plan', 0, 1), phase('work', 1, 2)],
    created_at: at(0),
    finished_at: at(2),
  } as unknown as Job;
  const dataset = { status: 'ready', tokenizations: [] } as unknown as Dataset;
  render(<JobCard job={job} dataset={dataset} isNewestOfItsKind />);
  const [plan, work] = within(screen.getByRole('list', { name: 'Phases' })).getAllByRole('listitem');
  expect(plan).not.toHaveTextContent('attempt');
  expect(work).toHaveTextContent('Work' + 'done, 1 s, attempt 2 of 3');
  expect(screen.getByText(/3 of 3 tasks done · attempt 2 of 3/)).toBeVisible();
});
