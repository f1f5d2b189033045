// Speed, time left and standstill, from one event after the other.
import { expect, test } from 'vitest';
import type { Job } from '../api/client';
import type { DownloadProgress, FileProgress } from './messages';
import { advanceFiles, afterDownload, afterTokenization, fromJob, isStalled, type LiveJob } from './progress';
import { etaSeconds, smooth, type Rate } from './rate';

const MB = 1e6;
const download = (downloaded: number, more: Partial<DownloadProgress> = {}): DownloadProgress => ({
  job_id: 'job',
  progress: 0,
  downloaded,
  total: 100 * MB,
  phase: 'downloading',
  bytes_per_second: 10 * MB,
  attempt: 1,
  tries: 1,
  max_tries: 3,
  rows: 0,
  files: [],
  ...more,
});

test('a speed follows a change within seconds and does not jump', () => {
  let rate: Rate | undefined;
  for (let at = 0; at <= 10_000; at += 500) rate = smooth(rate, 10, at);
  expect(rate?.perSecond).toBeCloseTo(10);
  const one = smooth(rate, 100, 10_500);
  expect(one.perSecond).toBeGreaterThan(10);
  expect(one.perSecond).toBeLessThan(30);
  let later = one;
  for (let at = 11_000; at <= 30_000; at += 500) later = smooth(later, 100, at);
  expect(later.perSecond).toBeGreaterThan(95);
});

test('how often the samples come does not matter', () => {
  let often: Rate = { perSecond: 10, at: 0 };
  for (let at = 100; at <= 4000; at += 100) often = smooth(often, 50, at);
  const once = smooth({ perSecond: 10, at: 0 }, 50, 4000);
  expect(often.perSecond).toBeCloseTo(once.perSecond, 6);
});

test('what is no speed is none', () => {
  for (const odd of [NaN, Infinity, -5, 0]) expect(smooth(undefined, odd, 0).perSecond).toBe(0);
  expect(etaSeconds(10, 100, { perSecond: 0, at: 0 })).toBeUndefined();
  expect(etaSeconds(10, 0, { perSecond: 5, at: 0 })).toBeUndefined();
  expect(etaSeconds(10, 100, undefined)).toBeUndefined();
  expect(etaSeconds(120, 100, { perSecond: 5, at: 0 })).toBe(0);
  expect(etaSeconds(10, 100, { perSecond: 5, at: 0 })).toBe(18);
});

test('each file has a speed of its own, from what its counter shows', () => {
  const file = (done: number, path = 'a'): FileProgress => ({ path, done, total: 100 * MB });
  let files = advanceFiles([], [file(10 * MB), file(0, 'b')], 0);
  expect(files[0]).toMatchObject({ rate: { perSecond: 0 }, etaSeconds: undefined });
  for (let second = 1; second <= 4; second += 1) {
    files = advanceFiles(files, [file((10 + second) * MB), file(0, 'b')], second * 1000);
  }
  expect(files[0]).toMatchObject({ rate: { perSecond: MB }, etaSeconds: 86, movedAt: 4000 });
  expect(files[1]).toMatchObject({ rate: { perSecond: 0 }, movedAt: 0 });
  // A report in which it did not move changes nothing; the next one counts the time since it last did.
  const still = advanceFiles(files, [file(14 * MB)], 5000);
  expect(still[0]).toEqual(files[0]);
  expect(advanceFiles(still, [file(16 * MB)], 6000)[0]?.rate.perSecond).toBeCloseTo(MB);
  // Who begins anew has no speed yet.
  expect(advanceFiles(still, [file(1 * MB)], 6000)[0]).toMatchObject({
    rate: { perSecond: 0 },
    movedAt: 6000,
  });
  expect(isStalled({ movedAt: 4000 }, 14_000)).toBe(true);
});

test('it stalls when nothing moves, not when nothing is said', () => {
  let live = afterDownload(undefined, download(1 * MB), 0);
  live = afterDownload(live, download(2 * MB), 4000);
  live = afterDownload(live, download(2 * MB), 8000);
  expect(live.movedAt).toBe(4000);
  expect(isStalled(live, 13_999)).toBe(false);
  expect(isStalled(live, 14_000)).toBe(true);
  live = afterDownload(live, download(2 * MB, { phase: 'converting' }), 15_000);
  expect(isStalled(live, 20_000)).toBe(false);
  // A large file that is being converted moves by its rows alone.
  live = afterDownload(live, download(2 * MB, { phase: 'converting', rows: 1000 }), 24_000);
  expect(isStalled(live, 33_999)).toBe(false);
  expect(isStalled(live, 34_000)).toBe(true);
});

test('without a total there is no percentage', () => {
  expect(afterDownload(undefined, download(5, { total: 0 }), 0).percent).toBeUndefined();
  expect(afterDownload(undefined, download(200 * MB), 0).percent).toBe(100);
  expect(afterDownload(undefined, download(25 * MB), 0)).toMatchObject({ percent: 25, etaSeconds: 7.5 });
});

test('another job begins anew', () => {
  const before = afterDownload(undefined, download(90 * MB), 0);
  const after = afterDownload(before, download(1 * MB, { job_id: 'next', bytes_per_second: 1 * MB }), 1000);
  expect(after).toMatchObject({ jobId: 'next', percent: 1, rate: { perSecond: 1 * MB } });
});

test('rows of a tokenization are counted like bytes', () => {
  const event = {
    job_id: 'j',
    tokenization_id: 't',
    progress: 50,
    tokens: 9,
    sequences: 3,
    samples: 50,
    total_samples: 100,
    samples_per_second: 10,
    tries: 2,
    max_tries: 3,
  };
  expect(afterTokenization(undefined, event, 0)).toMatchObject({
    percent: 50,
    done: 50,
    total: 100,
    etaSeconds: 5,
    tokens: 9,
    tries: 2,
    maxTries: 3,
  });
});

test('a record begins what events go on with', () => {
  const job: Job = {
    id: 'job',
    kind: 'ingest',
    dataset_id: 'd',
    state: 'running',
    progress: {
      phase: 'downloading',
      done: 10,
      total: 40,
      bytes: 0,
      rows: 0,
      tokens: 0,
      sequences: 0,
      files: [],
    },
    tasks: { total: 1, done: 0, running: 1, failed: 0 },
    attempt: 1,
    tries: 1,
    max_tries: 3,
    phases: [],
    created_at: '2026-11-26T08:00:00Z',
  };
  const first: LiveJob = fromJob(undefined, job, 1000);
  expect(first).toMatchObject({ percent: 25, movedAt: 1000, rate: { perSecond: 0 } });
  const later = afterDownload(first, download(20, { total: 40 }), 2000);
  // The record that comes with the next snapshot is older than the event.
  expect(fromJob(later, job, 3000)).toBe(later);
  expect(fromJob(later, { ...job, tries: 2 }, 3000)).toEqual({ ...later, tries: 2 });
  // An attempt that was handed back, or whose worker is gone, is no try.
  expect(fromJob(later, { ...job, attempt: 2 }, 3000)).toBe(later);
});
