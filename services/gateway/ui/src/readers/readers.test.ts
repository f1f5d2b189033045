import { expect, it } from 'vitest';
import { rankText, readersIn, readersOf, readsWhat, type Reader } from './readers';

const reader = (reads: Reader['reads']): Reader => ({
  run_id: null,
  rank: null,
  world_size: null,
  reads,
  step: null,
  rows: 0,
  rows_per_second: 0,
  opened_at: '2026-01-01T00:00:00Z',
  last_seen_at: '2026-01-01T00:00:00Z',
});
const raw = reader({ path: ['datasets', 'd', 'raw', 'train'] });
const tokens = reader({ path: ['tokenizations', 't'] });
const plan = reader({ plan: { sources: [{ tokenization_id: 'x' }, { tokenization_id: 't' }] } });
const other = reader({ path: ['tokenizations', 'x'] });

it('finds readers of rows, of sequences, and of plans that mix them', () => {
  expect(readersOf([raw, tokens, plan, other], 'd', ['t'])).toEqual([raw, tokens, plan]);
  expect([raw, tokens, plan].map(readsWhat)).toEqual(['rows of train', 'sequences', 'a read plan']);
});

it('says which of how many ranks one is', () => {
  const ranks = [raw, { ...raw, rank: '3' }, { ...raw, rank: '3', world_size: '8' }];
  expect(ranks.map(rankText)).toEqual(['–', '3', '3 of 8']);
});

it('takes an answer of another form for none', () => {
  expect([undefined, {}, { readers: 3 }].map(readersIn)).toEqual([[], [], []]);
});
