import { expect, it } from 'vitest';
import { pageRows, pagesOf, rawPages, rawRowBytes, tokenPages } from './pages';

it('asks for fewer rows where rows are large', () => {
  expect(pageRows(rawRowBytes(1_000_000, 10_000))).toBe(100);
  expect(pageRows(rawRowBytes(10_000_000_000, 1000))).toBe(1);
  expect(tokenPages(1024 * 500, 500)).toEqual({ rows: 11 });
  expect(pageRows(rawRowBytes(null, null))).toBe(100);
});

it('names the pages that hold a stretch of rows', () => {
  expect(pagesOf(0, 20, 100)).toEqual([1]);
  expect(pagesOf(95, 105, 100)).toEqual([1, 2]);
  expect(pagesOf(99, 100, 100)).toEqual([1]);
  expect(pagesOf(5, 5, 100)).toEqual([]);
});

it('has the cells of large rows cut, and fetches as many rows as then fit', () => {
  expect(rawPages(500, 3)).toEqual({ rows: 100 });
  expect(rawPages(10_000_000, 1)).toEqual({ rows: 100, cellBytes: 2048 });
  expect(rawPages(10_000_000, 20)).toEqual({ rows: 6, cellBytes: 2048 });
});
