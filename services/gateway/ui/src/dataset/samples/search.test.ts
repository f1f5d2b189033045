import { expect, it } from 'vitest';
import { samplesSearch } from './search';

it('reads what it wrote', () => {
  const search = { view: 'tokens', split: 'train', tokenization: 't-1', q: 'a b', at: 12, row: 3 };
  expect(samplesSearch(search)).toEqual(search);
});

it('leaves out what makes no sense, and takes a number for the text that it was', () => {
  expect(samplesSearch({ view: 'nope', at: -1, row: 'x', q: 42, split: '', other: 1 })).toEqual({ q: '42' });
});
