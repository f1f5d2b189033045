import { expect, test } from 'vitest';
import { datasetsSearch, jobsSearch } from './search';

test('what nobody offers is left out', () => {
  expect(datasetsSearch({ q: 42, status: 'gone', sort: '-created_at', page: '1' })).toEqual({ q: '42' });
  expect(datasetsSearch({ q: '', status: 'ready', sort: 'name', page: '3' })).toEqual({
    status: 'ready',
    sort: 'name',
    page: 3,
  });
  expect(datasetsSearch({ page: '1e9' }).page).toBeUndefined();
  expect(jobsSearch({ state: 'failed', kind: ['ingest'], page: -2 })).toEqual({ state: 'failed' });
});
