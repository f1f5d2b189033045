// Progress is gathered: the newest of each, not too often, and on the beat.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Coalescer } from './coalesce';

beforeEach(() => void vi.useFakeTimers({ now: 1_000_100 }));
afterEach(() => void vi.useRealTimers());

test('not more than four batches a second, each with the newest only', () => {
  const batches: [number, [string, number][]][] = [];
  const coalescer = new Coalescer<number>((batch) => batches.push([Date.now(), [...batch]]));
  for (let n = 0; n <= 100; n += 1) {
    coalescer.push('a', n);
    coalescer.push('b', -n);
    vi.advanceTimersByTime(10);
  }
  expect(batches.map(([at]) => at)).toEqual([1_000_250, 1_000_500, 1_000_750, 1_001_000]);
  // What came at the very moment of a batch may be in it or in the next.
  expect(batches.at(-1)?.[1]).toEqual([
    ['a', expect.toSatisfy((n: number) => n >= 88)],
    ['b', expect.toSatisfy((n: number) => n <= -88)],
  ]);
});

test('many at once have longer pauses, and only those that are drawn count', () => {
  const pauses = (cards: number) => {
    const at: number[] = [];
    const coalescer = new Coalescer<boolean>(
      () => at.push(Date.now()),
      (isDrawn) => isDrawn,
    );
    for (let tick = 0; tick < 60; tick += 1) {
      for (let n = 0; n < 60; n += 1) coalescer.push(`card ${n}`, n < cards);
      vi.advanceTimersByTime(100);
    }
    // The first one came before it was known how many there are.
    return new Set(at.slice(2).map((time, n) => time - (at[n + 1] ?? 0)));
  };
  expect([3, 6, 12, 50].map((cards) => [...pauses(cards)])).toEqual([[250], [500], [1000], [2000]]);
});

test('what became obsolete is not shown any more', () => {
  const apply = vi.fn();
  const coalescer = new Coalescer<number>(apply);
  coalescer.push('a', 1);
  coalescer.drop((key) => key === 'a');
  vi.advanceTimersByTime(1000);
  expect(apply).not.toHaveBeenCalled();
});
