// Pages of rows: how many rows a page asks for, and which pages a stretch of rows needs.

/** About so much JSON is one answer: it is parsed in a few milliseconds. */
const PAGE_BYTES = 256 * 1024;
const MAX_PAGE_ROWS = 100;

/** Rows of a page, from the mean size of a row; some rows are much larger, so the mean alone must stay small. */
export function pageRows(meanRowBytes: number): number {
  if (!Number.isFinite(meanRowBytes) || meanRowBytes <= 0) return MAX_PAGE_ROWS;
  return Math.min(Math.max(Math.floor(PAGE_BYTES / meanRowBytes), 1), MAX_PAGE_ROWS);
}

/** Mean bytes of JSON of a raw row. */
export function rawRowBytes(sizeBytes: number | null | undefined, rows: number | null | undefined): number {
  return sizeBytes && rows ? sizeBytes / rows : 0;
}

/** Cells of tables with large rows are cut to so many bytes; more than a cell shows, and some messages of a conversation. */
const CELL_BYTES = 2048;

export interface PageShape {
  rows: number;
  cellBytes?: number;
}

/** How raw rows of `columns` columns are fetched: rows of a page, and whether their cells are cut. */
export function rawPages(meanRowBytes: number, columns: number): PageShape {
  if (meanRowBytes <= CELL_BYTES) return { rows: pageRows(meanRowBytes) };
  const atMost = Math.max(columns, 1) * CELL_BYTES;
  return { rows: pageRows(Math.min(meanRowBytes, atMost)), cellBytes: CELL_BYTES };
}

/** How token rows are fetched: each token is an id, a piece and its part of the text. */
export function tokenPages(
  tokens: number | null | undefined,
  sequences: number | null | undefined,
): PageShape {
  const bytesOfToken = 22;
  return { rows: pageRows(tokens && sequences ? (tokens / sequences) * bytesOfToken : 0) };
}

/** Numbers of the pages (the first is 1) that hold rows `first` up to, not including, `end`. */
export function pagesOf(first: number, end: number, rowsOfPage: number): number[] {
  if (end <= first) return [];
  const from = Math.floor(first / rowsOfPage);
  const to = Math.floor((end - 1) / rowsOfPage);
  return Array.from({ length: to - from + 1 }, (_, index) => from + index + 1);
}
