// The store with the cache behind it: progress, ends of jobs, and what the server is asked.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Dataset, DatasetPage, Job } from '../api/client';
import { keys } from '../api/queries';
import { queryClient } from '../api/queryClient';
import { receiveDataset } from '../live/datasetFeed';
import { receiveDatasets } from '../live/datasetsFeed';
import type { DownloadProgress, Summary } from '../live/messages';
import { datasetsStore } from './datasetsStore';

const first = { attempt: 1, tries: 1, max_tries: 3 };
const job: Job = {
  id: 'job',
  kind: 'ingest',
  dataset_id: 'a',
  state: 'running',
  progress: {
    phase: 'downloading',
    done: 10,
    total: 100,
    bytes: 0,
    rows: 0,
    tokens: 0,
    sequences: 0,
    files: [],
  },
  tasks: { total: 1, done: 0, running: 1, failed: 0 },
  ...first,
  phases: [],
  created_at: '2026-11-26T08:00:00Z',
};
const dataset = (id: string, more: Partial<Dataset> = {}): Dataset => ({
  id,
  name: `name of ${id}`,
  repo_id: 'owner/name',
  source: 'hub',
  status: 'downloading',
  splits: [],
  metadata: {},
  tokenizations: [],
  job: { ...job, dataset_id: id },
  created_at: '2026-11-26T08:00:00Z',
  updated_at: '2026-11-26T08:00:00Z',
  version: 1,
  event_seq: 1,
  ...more,
});
const progress = (downloaded: number): DownloadProgress => ({
  job_id: 'job',
  progress: downloaded,
  downloaded,
  total: 100,
  phase: 'downloading',
  bytes_per_second: 5,
  ...first,
  rows: 0,
  files: [],
});
const summary = (id: string, more: Partial<Summary> = {}): Summary => ({
  id,
  name: `name of ${id}`,
  repo_id: 'owner/name',
  status: 'downloading',
  seq: 1,
  version: 1,
  tokenization_count: 0,
  ...more,
});
const channel = 'dataset/a';
const listKey = [...keys.datasets, {}];
const list = () => queryClient.getQueryData<DatasetPage>(listKey);
const live = () => datasetsStore.getState().live['a'];

beforeEach(() => {
  vi.useFakeTimers();
  const items = [dataset('a'), dataset('b')];
  const counts = { pending: 0, downloading: 2, ready: 0, failed: 0 };
  queryClient.setQueryData<DatasetPage>(listKey, { items, total: 2, page: 1, limit: 20, counts });
});
afterEach(() => {
  vi.advanceTimersByTime(5000);
  queryClient.clear();
  datasetsStore.setState({ live: {}, percents: {} });
  vi.useRealTimers();
});

test('all progress between two batches is one change, and only its card gets another object', () => {
  receiveDataset('a', { channel, event: 'snapshot', seq: 1, data: dataset('a') });
  const changes = vi.fn();
  const stop = datasetsStore.subscribe(changes);
  datasetsStore.setState({ live: { ...datasetsStore.getState().live, b: { tokenizations: {} } } });
  const other = datasetsStore.getState().live['b'];
  changes.mockClear();
  for (let n = 11; n <= 20; n += 1)
    receiveDataset('a', { channel, event: 'download_progress', data: progress(n) });
  vi.advanceTimersByTime(250);
  for (let n = 21; n <= 40; n += 1)
    receiveDataset('a', { channel, event: 'download_progress', data: progress(n) });
  vi.advanceTimersByTime(250);
  expect(changes).toHaveBeenCalledTimes(2);
  expect(live()?.download).toMatchObject({ done: 40, percent: 40, phase: 'downloading' });
  expect(datasetsStore.getState().live['b']).toBe(other);
  stop();
});

test('progress that still waits does not come back after the end', () => {
  receiveDataset('a', { channel, event: 'download_progress', data: progress(50) });
  vi.advanceTimersByTime(250);
  receiveDataset('a', { channel, event: 'download_progress', data: progress(99) });
  const data = { job_id: 'job', file_path: 'p', row_count: 7, size_bytes: 9 };
  receiveDataset('a', { channel, event: 'download_completed', seq: 2, data });
  vi.advanceTimersByTime(5000);
  expect(live()?.download).toBeUndefined();
  expect(list()?.items[0]).toMatchObject({ status: 'ready', row_count: 7, size_bytes: 9 });
});

test('an end asks the server once, however many events there were', () => {
  const ask = vi.spyOn(queryClient, 'invalidateQueries');
  for (let seq = 2; seq < 10; seq += 1) {
    receiveDataset('a', { channel, event: 'dataset_updated', seq, data: { status: 'downloading' } });
  }
  vi.advanceTimersByTime(1000);
  expect(ask.mock.calls.map(([filters]) => filters?.queryKey)).toEqual([
    ['dataset', 'a'],
    ['datasets'],
    ['jobs'],
  ]);
});

test('a patch leaves the other cards what they were', () => {
  const [, b] = list()?.items ?? [];
  const error = { reason: 'DISK_FULL', detail: 'no space', retryable: false } as unknown as NonNullable<
    Dataset['error']
  >;
  receiveDataset('a', { channel, event: 'download_failed', seq: 2, data: { job_id: 'job', error } });
  expect(list()?.items[0]).toMatchObject({ status: 'failed', error });
  expect(list()?.items[1]).toBe(b);
});

test('an older record does not undo a newer one', () => {
  for (const seq of [5, 4]) {
    const data = dataset('a', { event_seq: seq, row_count: seq });
    receiveDataset('a', { channel, event: 'snapshot', seq, data });
  }
  expect(list()?.items[0]?.row_count).toBe(5);
});

test('what is deleted is gone everywhere', () => {
  receiveDataset('a', { channel, event: 'download_progress', data: progress(50) });
  receiveDataset('a', { channel, event: 'dataset_deleted', seq: 2, data: {} });
  vi.advanceTimersByTime(1000);
  expect(live()).toBeUndefined();
  expect(list()).toMatchObject({ total: 1, items: [{ id: 'b' }] });
});

test('progress alone does not ask for the list again; a change of status or a new dataset does', () => {
  const ask = vi.spyOn(queryClient, 'invalidateQueries');
  const asked = () => {
    vi.advanceTimersByTime(1000);
    return ask.mock.calls.splice(0).length > 0;
  };
  receiveDatasets({ channel: 'datasets', event: 'snapshot', data: [summary('a'), summary('b')] });
  expect(asked()).toBe(false);
  receiveDatasets({
    channel: 'datasets',
    event: 'dataset_updated',
    data: summary('a', { progress: 40, version: 2 }),
  });
  expect(asked()).toBe(false);
  expect(datasetsStore.getState().percents).toEqual({ a: 40 });
  receiveDatasets({
    channel: 'datasets',
    event: 'dataset_updated',
    data: summary('a', { status: 'ready', seq: 2 }),
  });
  expect(list()?.items[0]?.status).toBe('ready');
  expect(asked()).toBe(true);
  receiveDatasets({ channel: 'datasets', event: 'dataset_updated', data: summary('c') });
  expect(asked()).toBe(true);
});

test('what happened while the connection was broken is found by the next snapshot', () => {
  const ask = vi.spyOn(queryClient, 'invalidateQueries');
  receiveDatasets({ channel: 'datasets', event: 'snapshot', data: [summary('a'), summary('b')] });
  vi.advanceTimersByTime(1000);
  ask.mockClear();
  receiveDatasets({ channel: 'datasets', event: 'snapshot', data: [summary('a'), summary('b')] });
  vi.advanceTimersByTime(1000);
  expect(ask).not.toHaveBeenCalled();
  receiveDatasets({ channel: 'datasets', event: 'snapshot', data: [summary('a', { seq: 3 })] });
  vi.advanceTimersByTime(1000);
  expect(ask).toHaveBeenCalled();
});
