import { describe, expect, it } from 'vitest';
import {
  elementHeight,
  MAX_PIXELS,
  positionOf,
  revealing,
  rowTop,
  scrolled,
  TOP,
  visibleRows,
  type Table,
} from './rowWindow';

const small: Table = { rows: 100, rowHeight: 36, viewport: 600 };
const huge: Table = { rows: 100_000_000, rowHeight: 36, viewport: 600 };

describe('a small table', () => {
  it('is scrolled as any other', () => {
    expect(elementHeight(small)).toBe(3600);
    const position = scrolled(small, TOP, 360);
    expect(position).toEqual({ scrollTop: 360, shift: 0 });
    expect(visibleRows(small, position, 0)).toEqual({ first: 10, end: 27 });
  });

  it('never asks for rows that are not there', () => {
    expect(visibleRows(small, positionOf(small, 1e9))).toEqual({ first: 77, end: 100 });
    expect(visibleRows({ ...small, rows: 0 }, TOP)).toEqual({ first: 0, end: 0 });
  });
});

describe('a table taller than an element can be', () => {
  it('keeps the element small', () => {
    expect(elementHeight(huge)).toBe(MAX_PIXELS);
  });

  it('moves by pixels when the wheel turns', () => {
    const start = positionOf(huge, 1_000_000_000);
    const after = scrolled(huge, start, start.scrollTop + 100);
    expect(after.scrollTop + after.shift).toBe(1_000_000_100);
    expect(after.scrollTop).toBe(start.scrollTop + 100);
  });

  it('moves by proportion when the bar is dragged, to the very end', () => {
    const bottom = scrolled(huge, TOP, MAX_PIXELS - huge.viewport);
    expect(visibleRows(huge, bottom).end).toBe(huge.rows);
    const middle = scrolled(huge, TOP, (MAX_PIXELS - huge.viewport) / 2);
    expect(visibleRows(huge, middle, 0).first / huge.rows).toBeCloseTo(0.5, 3);
  });

  it("can be scrolled by the wheel from the top to rows far below the bar's own pixels, and back", () => {
    const table: Table = { rows: 300_000, rowHeight: 36, viewport: 600 };
    let position: ReturnType<typeof positionOf> = TOP;
    for (const step of [900, -900]) {
      for (let n = 0; n < 20_000; n++) {
        const bar = Math.min(Math.max(position.scrollTop + step, 0), MAX_PIXELS - table.viewport);
        position = scrolled(table, position, bar);
      }
      const edge = step > 0 ? table.rows : 0;
      const { first, end } = visibleRows(table, position, 0);
      expect(step > 0 ? end : first).toBe(edge);
    }
  });

  it('draws rows inside the element', () => {
    for (const row of [0, 1, 50_000_000, huge.rows - 1]) {
      const position = revealing(huge, TOP, row);
      const { first, end } = visibleRows(huge, position, 0);
      expect(row).toBeGreaterThanOrEqual(first);
      expect(row).toBeLessThan(end);
      const top = rowTop(huge, position, row);
      expect(top).toBeGreaterThanOrEqual(position.scrollTop - 36);
      expect(top).toBeLessThanOrEqual(position.scrollTop + 600);
    }
  });
});

it('does not move for a row that is seen', () => {
  expect(revealing(small, TOP, 3)).toBe(TOP);
});
