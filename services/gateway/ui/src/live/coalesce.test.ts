// Progress is gathered: the newest of each, not too often.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Coalescer } from './coalesce';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('not more than four batches a second, each with the newest only', () => {
  const batches: [number, [string, number][]][] = [];
  const begin = Date.now();
  const coalescer = new Coalescer<number>((batch) => batches.push([Date.now() - begin, [...batch]]));
  for (let n = 0; n <= 100; n += 1) {
    coalescer.push('a', n);
    coalescer.push('b', -n);
    vi.advanceTimersByTime(10);
  }
  expect(batches.map(([at]) => at)).toEqual([0, 250, 500, 750, 1000]);
  // What came at the very moment of a batch may be in it or in the next.
  expect(batches.at(-1)?.[1]).toEqual([
    ['a', expect.toSatisfy((n: number) => n >= 99)],
    ['b', expect.toSatisfy((n: number) => n <= -99)],
  ]);
});

test('many at once have longer pauses, a second at most', () => {
  const at: number[] = [];
  const begin = Date.now();
  const coalescer = new Coalescer<number>(() => at.push(Date.now() - begin));
  for (let tick = 0; tick < 30; tick += 1) {
    for (let n = 0; n < 60; n += 1) coalescer.push(`card ${n}`, tick);
    vi.advanceTimersByTime(100);
  }
  expect(at).toEqual([0, 1000, 2000, 3000]);
});

test('what became obsolete is not shown any more', () => {
  const apply = vi.fn();
  const coalescer = new Coalescer<number>(apply);
  coalescer.push('a', 1);
  coalescer.drop((key) => key === 'a');
  vi.advanceTimersByTime(1000);
  expect(apply).not.toHaveBeenCalled();
});
