// What a live card says of a job that is at its second try.
import { render, screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import type { Job } from '../api/client';
import type { LiveJob } from '../live/progress';
import { LiveJobView } from './LiveJobView';

const live: LiveJob = {
  jobId: 'job',
  phase: '',
  percent: 42,
  done: 42,
  total: 100,
  rate: undefined,
  etaSeconds: undefined,
  tries: 1,
  maxTries: 3,
  files: [],
  rows: 0,
  tokens: 0,
  sequences: 0,
  movedAt: Date.now(),
};
const waiting = {
  id: 'job',
  tries: 2,
  max_tries: 3,
  created_at: new Date().toISOString(),
  next_run_at: new Date(Date.now() + 60_000).toISOString(),
} as Job;

test('the first try is not counted, the second is counted of all', () => {
  const view = (tries: number) => (
    <LiveJobView label="Download of x" live={{ ...live, tries }} unit="bytes" datasetId="d" job={waiting} />
  );
  const { rerender } = render(view(1));
  expect(screen.queryByText(/attempt/)).toBeNull();
  rerender(view(2));
  expect(screen.getByText('· attempt 2 of 3')).toBeVisible();
  expect(screen.getByText(/^Next retry at .+, in (1 min|\d+ s)/)).toBeVisible();
});

test('what stands still shows no old speed and no time left', () => {
  const file = {
    path: 'data/a.parquet',
    done: 10e6,
    total: 50e6,
    rate: { perSecond: 5e6, at: 0 },
    etaSeconds: 8,
  };
  const view = (movedAt: number) => {
    const moving = { phase: 'downloading', rate: { perSecond: 12.3e6, at: 0 }, etaSeconds: 350, movedAt };
    const files = [{ ...file, movedAt }];
    return (
      <LiveJobView label="Download of x" live={{ ...live, ...moving, files }} unit="bytes" datasetId="d" />
    );
  };
  const { rerender } = render(view(Date.now()));
  expect(screen.getByText('12.3 MB/s')).toBeVisible();
  expect(screen.getByText('· 6 min left')).toBeVisible();
  expect(screen.getByText(/5.00 MB\/s · a few seconds left/)).toBeInTheDocument();
  rerender(view(Date.now() - 60_000));
  expect(screen.queryByText(/MB\/s|left/)).toBeNull();
  expect(screen.getAllByText(/stalled/)).toHaveLength(2);
  expect(screen.getByText(/^Stalled: no progress for 1 min/)).toBeVisible();
});
