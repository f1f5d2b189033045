// Progress is gathered: the newest of each, not too often, and on the beat.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { countCard } from './beat';
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

test('with many cards in sight the pauses are longer', () => {
  const pauses = (cards: number) => {
    const leave = Array.from({ length: cards }, countCard);
    const at: number[] = [];
    const coalescer = new Coalescer<number>(() => at.push(Date.now()));
    for (let tick = 0; tick < 100; tick += 1) {
      coalescer.push('one of them', tick);
      vi.advanceTimersByTime(100);
    }
    for (const card of leave) card();
    return new Set(at.slice(1).map((time, n) => time - (at[n] ?? 0)));
  };
  expect([1, 3, 6, 12, 50, 1].map((cards) => [...pauses(cards)])).toEqual([
    [250],
    [500],
    [1000],
    [2000],
    [4000],
    [250],
  ]);
});

test('what became obsolete is not shown any more', () => {
  const apply = vi.fn();
  const coalescer = new Coalescer<number>(apply);
  coalescer.push('a', 1);
  coalescer.drop((key) => key === 'a');
  vi.advanceTimersByTime(1000);
  expect(apply).not.toHaveBeenCalled();
});
