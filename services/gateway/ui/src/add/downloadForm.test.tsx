// The form: what the server is asked, in which order, and where the token goes.
import { QueryClientProvider } from '@tanstack/react-query';
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from '@tanstack/react-router';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, test, vi } from 'vitest';
import type { HubDataset } from '../api/client';
import { queryClient } from '../api/queryClient';
import { DownloadForm } from './DownloadForm';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const repo: HubDataset = {
  commit_sha: COMMIT,
  gated: true,
  license: 'mit',
  configs: [
    {
      name: 'en',
      default: true,
      size_bytes: 3000,
      left_out: [],
      left_out_count: 0,
      splits: [
        { name: 'train', size_bytes: 3000, format: 'parquet', files: [], file_count: 2, row_count: 5 },
      ],
    },
  ],
  preview: { config: 'en', split: 'train' },
  columns: [{ name: 'text', type: 'Utf8' }],
  first_rows: [{ text: '<b>not bold</b>' }],
  disk_needed: 5e9,
  disk_free: 1e9,
};

interface Asked {
  path: string;
  token: string | null;
  body: unknown;
}
let asked: Asked[];

beforeEach(() => {
  asked = [];
  queryClient.clear();
  localStorage.clear();
});

function serve(answers: Record<string, [number, object]>): void {
  vi.stubGlobal('fetch', async (request: Request) => {
    const { pathname } = new URL(request.url);
    const path = `${request.method} ${decodeURIComponent(pathname)}`;
    const text = await request.text();
    asked.push({
      path,
      token: request.headers.get('X-HF-Token'),
      body: text === '' ? undefined : JSON.parse(text),
    });
    const [status, answer] = answers[path] ?? [
      404,
      { reason: 'NOT_FOUND', title: 'Not found', detail: path },
    ];
    return Response.json(answer, { status });
  });
}

async function fill(): Promise<void> {
  const root = createRootRoute({
    component: () => <DownloadForm repo={undefined} />,
    notFoundComponent: () => null,
  });
  const router = createRouter({ routeTree: root, history: createMemoryHistory() });
  render(
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router as never} />
    </QueryClientProvider>,
  );
  await userEvent.type(await screen.findByLabelText('Repository'), 'owner/name');
  await userEvent.type(screen.getByLabelText('Hugging Face token'), 'hf_secret');
}

test('what was looked at is what is downloaded: the commit, the configuration, with the token', async () => {
  serve({
    'GET /api/v1/hub/datasets/owner/name': [200, repo],
    'POST /api/v1/datasets': [201, { id: 'a' }],
    'POST /api/v1/datasets/a/download': [202, { job_id: 'j' }],
  });
  await fill();
  await userEvent.click(screen.getByRole('button', { name: 'Preview' }));
  const preview = await screen.findByRole('region', { name: 'Preview' });
  expect(preview).toHaveTextContent('<b>not bold</b>');
  expect(preview).toHaveTextContent('Gated');
  expect(preview).toHaveTextContent('Not enough');
  await userEvent.selectOptions(screen.getByLabelText('Split'), 'train');
  await userEvent.click(screen.getByRole('checkbox', { name: 'Skip bad rows' }));
  await userEvent.click(screen.getByRole('button', { name: 'Download' }));
  await vi.waitFor(() => expect(asked.at(-1)?.path).toBe('POST /api/v1/datasets/a/download'));
  expect(asked[0]?.token).toBe('hf_secret');
  const [create, start] = asked.slice(-2);
  expect(create?.body).toEqual({ repo_id: 'owner/name', revision: COMMIT });
  expect(start?.body).toEqual({ split: 'train', on_bad_rows: 'skip', hf_token: 'hf_secret' });
  const kept = JSON.stringify([
    Object.entries(localStorage),
    queryClient
      .getQueryCache()
      .getAll()
      .map((query) => query.queryKey),
  ]);
  expect(kept).not.toContain('hf_secret');
});

test('a start that failed does not register the dataset a second time', async () => {
  const full = {
    reason: 'DISK_FULL',
    title: 'Disk full',
    detail: 'needs 5 GB of 1 GB',
    next_step: 'free some space',
  };
  serve({ 'POST /api/v1/datasets': [201, { id: 'a' }], 'POST /api/v1/datasets/a/download': [507, full] });
  await fill();
  await userEvent.click(screen.getByRole('button', { name: 'Download' }));
  const problem = await screen.findByRole('alert');
  for (const words of ['Disk full', 'needs 5 GB of 1 GB', 'free some space'])
    expect(problem).toHaveTextContent(words);
  await userEvent.click(screen.getByRole('button', { name: 'Download' }));
  await vi.waitFor(() => expect(asked.filter(({ path }) => path.endsWith('/download'))).toHaveLength(2));
  expect(asked.filter(({ path }) => path === 'POST /api/v1/datasets')).toHaveLength(1);
});
