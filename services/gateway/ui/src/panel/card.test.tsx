// A card: what it says of each state, and what its buttons ask of the server.
import { QueryClientProvider } from '@tanstack/react-query';
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from '@tanstack/react-router';
import { cleanup, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, test, vi } from 'vitest';
import type { Dataset, Job } from '../api/client';
import { queryClient } from '../api/queryClient';
import { datasetsStore } from '../store/datasetsStore';
import { DatasetCard } from './DatasetCard';

const job = {
  id: 'job',
  kind: 'ingest',
  dataset_id: 'a',
  state: 'running',
  progress: {},
  attempt: 1,
  tries: 1,
  max_tries: 3,
  phases: [],
};
const base = {
  id: 'a',
  name: 'owner/name',
  repo_id: 'owner/name',
  source: 'hub',
  status: 'pending',
  splits: [],
  tokenizations: [],
  created_at: '2026-11-26T08:00:00Z',
  version: 1,
  event_seq: 1,
} as unknown as Dataset;

async function show(more: Partial<Dataset>): Promise<HTMLElement> {
  const root = createRootRoute({ component: () => <DatasetCard dataset={{ ...base, ...more }} /> });
  const router = createRouter({ routeTree: root, history: createMemoryHistory() });
  render(
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router as never} />
    </QueryClientProvider>,
  );
  return screen.findByRole('article', { name: 'owner/name' });
}

const buttons = (card: HTMLElement) =>
  within(card)
    .getAllByRole('button')
    .map((button) => button.textContent || button.ariaLabel);

beforeEach(() => {
  vi.stubGlobal(
    'IntersectionObserver',
    class {
      observe = vi.fn();
      unobserve = vi.fn();
    },
  );
});

test('what can be done depends on the state', async () => {
  const cancelled = { ...job, state: 'cancelled' } as unknown as Job;
  expect(buttons(await show({ status: 'pending' }))).toEqual(['Download', 'Delete']);
  cleanup();
  const card = await show({ status: 'pending', job: cancelled });
  expect(buttons(card)).toEqual(['Resume', 'Delete']);
  expect(card).toHaveTextContent('Partial files are kept');
  cleanup();
  expect(buttons(await show({ status: 'downloading', job: job as unknown as Job }))).toEqual([
    'Cancel',
    'Delete',
  ]);
});

test('a failure says what, why and what next, with its link', async () => {
  const error = {
    reason: 'HUB_GATED',
    title: 'Access to the repository is restricted',
    detail: 'the repository is gated',
    retryable: false,
    next_step: 'ask for access at https://hub.example/datasets/owner/name, then set a token',
  } as unknown as NonNullable<Dataset['error']>;
  const card = await show({ status: 'failed', error });
  expect(within(card).getByRole('alert')).toHaveTextContent(
    'Access to the repository is restrictedthe repository is gated',
  );
  expect(within(card).getByRole('link', { name: /hub\.example/ })).toHaveAttribute(
    'href',
    'https://hub.example/datasets/owner/name',
  );
  const start = vi.fn(() => Promise.resolve('job'));
  datasetsStore.setState({ startDownload: start });
  await userEvent.click(within(card).getByRole('button', { name: 'Retry' }));
  await userEvent.type(screen.getByLabelText('Hugging Face token'), 'hf_secret');
  await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
  expect(start).toHaveBeenCalledWith('a', { hf_token: 'hf_secret' });
});

test('what ended is started again with what was asked for then', async () => {
  const retry = vi.fn(() => Promise.resolve('job'));
  const start = vi.fn(() => Promise.resolve('job'));
  datasetsStore.setState({ retryJob: retry, startDownload: start });
  const failed = { ...job, state: 'failed' } as unknown as Job;
  const card = await show({ status: 'failed', job: failed });
  await userEvent.click(within(card).getByRole('button', { name: 'Retry' }));
  expect(retry).toHaveBeenCalledWith(failed);
  cleanup();
  await userEvent.click(within(await show({ status: 'pending' })).getByRole('button', { name: 'Download' }));
  expect(start).toHaveBeenCalledExactlyOnceWith('a', {});
  expect(retry).toHaveBeenCalledOnce();
});

test('a dataset is deleted only after a question', async () => {
  const remove = vi.fn(() => Promise.resolve());
  datasetsStore.setState({ deleteDataset: remove });
  const card = await show({ status: 'ready', size_bytes: 1.2e9 });
  await userEvent.click(within(card).getByRole('button', { name: 'Delete' }));
  const dialog = screen.getByRole('alertdialog', { name: 'Delete owner/name?' });
  expect(dialog).toHaveTextContent('1.20 GB');
  expect(remove).not.toHaveBeenCalled();
  await userEvent.click(within(dialog).getByRole('button', { name: 'Delete dataset' }));
  expect(remove).toHaveBeenCalledWith('a');
});
