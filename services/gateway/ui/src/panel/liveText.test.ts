import { expect, test } from 'vitest';
import type { LiveJob } from '../live/progress';
import { amountText, fileText, valueText } from './liveText';

const live: LiveJob = {
  jobId: 'j',
  phase: 'downloading',
  percent: 42,
  done: 3.1e9,
  total: 7.4e9,
  rate: { perSecond: 12.3e6, at: 0 },
  etaSeconds: 350,
  tries: 1,
  maxTries: 3,
  files: [],
  rows: 0,
  tokens: 0,
  sequences: 0,
  movedAt: 0,
};

test('the bar says all of it in words', () => {
  expect(valueText(live, 'Downloading', 'bytes')).toBe(
    'Downloading, 42 %, 3.10 of 7.40 GB, 12.3 MB/s, 6 min left',
  );
  const begun = { ...live, percent: undefined, done: 0, total: 0, rate: undefined, etaSeconds: undefined };
  expect(valueText(begun, 'Resolving', 'bytes')).toBe('Resolving, 0 B');
});

test('a file says its speed, or that it stands still', () => {
  const rate = { perSecond: 1.2e6, at: 0 };
  const file = { path: 'a', done: 1e6, total: 4e6, rate, etaSeconds: 180, movedAt: 0 };
  expect(fileText(file, 9_999)).toBe('1.20 MB/s · 3 min left');
  expect(fileText(file, 10_000)).toBe('stalled');
  expect(fileText({ ...file, rate: { perSecond: 0, at: 0 }, etaSeconds: undefined }, 0)).toBeUndefined();
});

test('the unit stands once where it is the same', () => {
  expect(amountText({ done: 10e6, total: 7.4e9 }, 'bytes')).toBe('10.0 MB of 7.40 GB');
  expect(amountText({ done: 1000, total: 71_884 }, 'rows')).toBe('1,000 of 71,884 rows');
  expect(amountText({ done: 1000, total: 0 }, 'rows')).toBe('1,000 rows');
});
