import { expect, it } from 'vitest';
import { linear, logarithmic, logTicks, niceTicks } from './scale';

it('maps the ends of a domain to the ends of a range', () => {
  const scale = linear([0, 50], [100, 0]);
  expect([scale(0), scale(25), scale(50)]).toEqual([100, 50, 0]);
});

it('chooses ticks as a person would', () => {
  expect(niceTicks(0, 1000, 5)).toEqual([0, 200, 400, 600, 800, 1000]);
  expect(niceTicks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(niceTicks(3, 17, 4)).toEqual([5, 10, 15]);
  expect(niceTicks(0, 0, 5)).toEqual([0]);
});

it('draws orders of magnitude evenly, and nothing at the foot', () => {
  const scale = logarithmic([1, 1000], [0, 300]);
  expect([scale(1), scale(10), scale(1000)].map(Math.round)).toEqual([0, 100, 300]);
  expect(scale(0)).toBe(0);
  expect(scale.ticks).toEqual([1, 10, 100, 1000]);
});

it('thins powers of ten where there are many', () => {
  expect(logTicks(1, 1e12)).toEqual([1, 1e2, 1e4, 1e6, 1e8, 1e10, 1e12]);
});

it('gives a domain of one value some room', () => {
  expect(Number.isFinite(linear([5, 5], [0, 10])(5))).toBe(true);
  expect(logarithmic([1, 1], [0, 10])(1)).toBe(0);
});
