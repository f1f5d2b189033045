import { expect, it } from 'vitest';
import { binned, funnel, rankFrequency, zipfExponent } from './series';

it('joins bins and loses no sequence', () => {
  const counts = Array.from({ length: 100 }, (_, index) => index);
  const bins = binned(counts, 4, 10);
  expect(bins.length).toBeLessThanOrEqual(10);
  expect(bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(4950);
  expect(bins.every((bin, index) => index === 0 || bin.from === bins[index - 1]?.to)).toBe(true);
});

it('leaves empty ends out', () => {
  expect(binned([0, 0, 3, 0, 2, 0], 8)).toEqual([
    { from: 16, to: 24, count: 3 },
    { from: 24, to: 32, count: 0 },
    { from: 32, to: 40, count: 2 },
  ]);
  expect(binned([0, 0], 8)).toEqual([]);
});

it('keeps the first and the last rank, and each at most once', () => {
  const counts = Array.from({ length: 1000 }, (_, index) => Math.round(1e6 / (index + 1)));
  const points = rankFrequency(counts);
  expect(points[0]).toEqual({ rank: 1, count: 1e6 });
  expect(points.at(-1)?.rank).toBe(1000);
  expect(new Set(points.map((point) => point.rank)).size).toBe(points.length);
  expect(zipfExponent(points)).toBeCloseTo(1, 1);
});

it('says nothing of a slope that two points would make', () => {
  expect(zipfExponent(rankFrequency([5, 3]))).toBeUndefined();
  expect(rankFrequency([])).toEqual([]);
});

it('ends the funnel with what is stored', () => {
  const stages = funnel({ total_tokens: 70, dropped_by_rule: { special: 5, stop_word: 20, min_length: 5 } });
  expect(stages.map((stage) => stage.left)).toEqual([100, 95, 75, 70]);
});
