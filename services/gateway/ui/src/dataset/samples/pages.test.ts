import { expect, it } from 'vitest';
import { pageRows, pagesOf, rawRowBytes, tokenRowBytes } from './pages';

it('asks for fewer rows where rows are large', () => {
  expect(pageRows(rawRowBytes(1_000_000, 10_000))).toBe(100);
  expect(pageRows(rawRowBytes(10_000_000_000, 1000))).toBe(1);
  expect(pageRows(tokenRowBytes(1024 * 500, 500))).toBe(11);
  expect(pageRows(rawRowBytes(null, null))).toBe(100);
});

it('names the pages that hold a stretch of rows', () => {
  expect(pagesOf(0, 20, 100)).toEqual([1]);
  expect(pagesOf(95, 105, 100)).toEqual([1, 2]);
  expect(pagesOf(99, 100, 100)).toEqual([1]);
  expect(pagesOf(5, 5, 100)).toEqual([]);
});
