// Which rows a scrolled table shows, for any number of rows of one height: pure arithmetic.
//
// Browsers cap the height of an element (Chromium at 2^25 px, Firefox lower), which a million rows exceed. So the
// scrolled element has at most `MAX_PIXELS`; rows are placed relative to a `shift` between its pixels and those of the
// whole table. A small scroll keeps the shift, so that rows move as the wheel does; a long one (the scroll bar is
// dragged) places by proportion. A library of virtual lists would keep one object per row for nothing.

export const MAX_PIXELS = 8_000_000;

/** Sizes in pixels. */
export interface Table {
  rows: number;
  rowHeight: number;
  viewport: number;
}

/** Where the scroll bar is, and what is added to it to get the place in the whole table. */
export interface Position {
  scrollTop: number;
  shift: number;
}

export const TOP: Position = { scrollTop: 0, shift: 0 };

const whole = ({ rows, rowHeight }: Table) => rows * rowHeight;

/** Height of the scrolled element. */
export function elementHeight(table: Table): number {
  return Math.min(whole(table), MAX_PIXELS);
}

function longest(table: Table): { bar: number; table: number } {
  return {
    bar: Math.max(elementHeight(table) - table.viewport, 0),
    table: Math.max(whole(table) - table.viewport, 0),
  };
}

/** The position that shows pixel `top` of the whole table first, with the scroll bar where it belongs. */
export function positionOf(table: Table, top: number): Position {
  const ends = longest(table);
  const clampedTop = Math.min(Math.max(top, 0), ends.table);
  const scrollTop = ends.table === 0 ? 0 : Math.round((clampedTop * ends.bar) / ends.table);
  return { scrollTop, shift: Math.round(clampedTop) - scrollTop };
}

/**
 * The position after the scroll bar moved to `scrollTop`. Its `scrollTop` differs from the argument when the bar came to
 * an end of its way and the table did not, or the other way round: the bar must then be set to it.
 */
export function scrolled(table: Table, before: Position, scrollTop: number): Position {
  const ends = longest(table);
  const isLong = Math.abs(scrollTop - before.scrollTop) > table.viewport * 2;
  if (isLong || ends.bar === 0)
    return { ...positionOf(table, (scrollTop * ends.table) / (ends.bar || 1)), scrollTop };
  const top = scrollTop + before.shift;
  if (top < 0 || top > ends.table) return positionOf(table, top);
  const isAtEndOfBar = scrollTop <= 0 || scrollTop >= ends.bar;
  const isAtEndOfTable = top <= 0 || top >= ends.table;
  return isAtEndOfBar !== isAtEndOfTable ? positionOf(table, top) : { scrollTop, shift: before.shift };
}

/** Rows to draw: `first` up to, not including, `end`, with `overscan` rows around what is seen. */
export function visibleRows(
  table: Table,
  { scrollTop, shift }: Position,
  overscan = 6,
): { first: number; end: number } {
  const top = scrollTop + shift;
  const first = Math.floor(top / table.rowHeight) - overscan;
  const end = Math.ceil((top + table.viewport) / table.rowHeight) + overscan;
  return { first: Math.min(Math.max(first, 0), table.rows), end: Math.min(Math.max(end, 0), table.rows) };
}

/** Where row `row` is drawn in the scrolled element. */
export function rowTop(table: Table, { shift }: Position, row: number): number {
  return row * table.rowHeight - shift;
}

/** The position that shows `row`: unchanged when it is seen already, else with it in the middle. */
export function revealing(table: Table, position: Position, row: number): Position {
  const top = position.scrollTop + position.shift;
  const rowStart = row * table.rowHeight;
  const isSeen = rowStart >= top && rowStart + table.rowHeight <= top + table.viewport;
  return isSeen ? position : positionOf(table, rowStart - (table.viewport - table.rowHeight) / 2);
}
