import { expect, it } from 'vitest';
import { jobSeconds, timeline, type TimedJob } from './timeline';

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString();
const now = Date.parse(at(20));
const phase = (name: string, started?: number, finished?: number, tries = 1) => ({
  name,
  started_at: started === undefined ? null : at(started),
  finished_at: finished === undefined ? null : at(finished),
  tries,
});

it('places phases on the time of the job', () => {
  const job: TimedJob = {
    created_at: at(0),
    finished_at: at(10),
    state: 'succeeded',
    phases: [phase('plan', 0, 1), phase('work', 1, 9)],
  };
  expect(timeline(job, now)).toEqual([
    { name: 'plan', from: 0, to: 0.1, seconds: 1, state: 'done', tries: 1 },
    { name: 'work', from: 0.1, to: 0.9, seconds: 8, state: 'done', tries: 1 },
  ]);
  expect(jobSeconds(job, now)).toBe(10);
});

it('lets what runs end now, and what waits be nowhere', () => {
  const job: TimedJob = {
    created_at: at(0),
    state: 'running',
    phases: [phase('work', 10, undefined, 2), phase('finish')],
  };
  expect(timeline(job, now)).toMatchObject([
    { from: 0.5, to: 1, seconds: 10, state: 'running', tries: 2 },
    { state: 'waiting', seconds: undefined },
  ]);
});

it('stops a phase with its job', () => {
  const job: TimedJob = {
    created_at: at(0),
    finished_at: at(4),
    state: 'failed',
    phases: [phase('work', 1)],
  };
  expect(timeline(job, now)).toMatchObject([{ state: 'stopped', to: 1, seconds: 3 }]);
});

it('stops the phase that a cancel ended, though its tasks have an end too', () => {
  const phases = [phase('work', 1, 3), phase('finish', 3, 4)];
  const job: TimedJob = { created_at: at(0), finished_at: at(4), state: 'cancelled', phases };
  expect(timeline(job, now).map((bar) => bar.state)).toEqual(['done', 'stopped']);
});

it('tells what an earlier job did from what this one does', () => {
  const phases = [phase('work', -9, -1), phase('finish', 1, 2)];
  const job: TimedJob = { created_at: at(0), finished_at: at(2), state: 'succeeded', phases };
  expect(timeline(job, now)).toMatchObject([{ state: 'kept', to: 0, seconds: 8 }, { state: 'done' }]);
});
