import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Bundle } from './bundle';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('hands the first on at once, and the rest together and in order', () => {
  const handed: number[][] = [];
  const bundle = new Bundle<number>(250, (items) => handed.push(items));
  for (const n of [1, 2, 3]) bundle.push(n);
  expect(handed).toEqual([[1]]);
  vi.advanceTimersByTime(249);
  bundle.push(4);
  expect(handed).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(handed).toEqual([[1], [2, 3, 4]]);
  bundle.push(5);
  bundle.flush();
  expect(handed.at(-1)).toEqual([5]);
  vi.advanceTimersByTime(250);
  expect(vi.getTimerCount()).toBe(0);
  bundle.push(6);
  expect(handed.at(-1)).toEqual([6]);
});
