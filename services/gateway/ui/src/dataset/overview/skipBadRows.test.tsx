import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';
import { datasetsStore } from '../../store/datasetsStore';
import type { Dataset } from '../queries';
import OverviewTab from './OverviewTab';

const failed = (next_step: string) =>
  ({
    id: 'a',
    name: 'owner/name',
    repo_id: 'owner/name',
    source: 'upload',
    status: 'failed',
    splits: [],
    tokenizations: [],
    error: { reason: 'SOURCE_CORRUPT', title: 'Broken', detail: 'line 2 of `a.jsonl`', next_step },
    created_at: '2026-11-26T08:00:00Z',
  }) as unknown as Dataset;

test('what failed for a bad row can be tried again without such rows', async () => {
  const start = vi.fn().mockResolvedValue('job');
  datasetsStore.setState({ startDownload: start });
  render(<OverviewTab dataset={failed('leave bad rows out with `on_bad_rows: skip`')} />);
  await userEvent.click(screen.getByRole('button', { name: 'Try again and skip bad rows' }));
  expect(start).toHaveBeenCalledWith('a', { on_bad_rows: 'skip' });
});

test('what is broken as a whole cannot', () => {
  render(<OverviewTab dataset={failed('choose a revision in which the file is whole')} />);
  expect(screen.getByRole('alert')).toHaveTextContent('line 2');
  expect(screen.queryByRole('button', { name: /skip bad rows/ })).toBeNull();
});
