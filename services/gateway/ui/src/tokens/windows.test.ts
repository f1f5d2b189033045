import { expect, it } from 'vitest';
import { spansOfRow } from './spans';
import { windowView } from './windows';

const kept = spansOfRow({ input_ids: [10, 11, 12, 13], pieces: ['a', 'b', 'c', 'd'] });
const drawn = (view: ReturnType<typeof windowView>) =>
  view.tokens.map(({ span, part }) => `${span.piece}:${part}`);

it('tells text, overlap and what stands around', () => {
  const view = windowView({ input_ids: [1, 11, 12, 13, 2], length: 5, start: 1, end: 4, overlap: 1 }, kept);
  expect(drawn(view)).toEqual(['#1:around', 'b:overlap', 'c:text', 'd:text', '#2:around']);
  expect(view.fill).toBe(0);
});

it('counts the fill of a packed row and does not draw it', () => {
  const view = windowView(
    { input_ids: [10, 11, 50, 0, 0, 0], length: 3, start: 0, end: 2, overlap: 0 },
    kept,
  );
  expect(drawn(view)).toEqual(['a:text', 'b:text', '#50:around']);
  expect(view.fill).toBe(3);
});

it('shows a row without text', () => {
  expect(drawn(windowView({ input_ids: [1, 2], length: 2, start: 0, end: 0, overlap: 0 }, kept))).toEqual([
    '#1:around',
    '#2:around',
  ]);
});
