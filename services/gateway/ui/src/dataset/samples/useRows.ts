// Rows of the table, fetched page by page as they come into view, and forgotten when there are many.
import { useQueries, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useState } from 'react';
import { samplesPage, samplesPrefix, type RowSource, type Sample } from '../queries';
import { pagesOf } from './pages';

/** Pages kept of one table; a page is at most a few hundred kilobytes. */
const KEPT_PAGES = 24;
/** While the scroll bar is dragged, pages are asked for so often. */
const EVERY_MS = 120;

export function useRows(source: RowSource, rowsOfPage: number) {
  const client = useQueryClient();
  const [range, setRange] = useState<[first: number, end: number]>([0, 1]);
  const [first, end] = useThrottled(range, EVERY_MS);
  // The first page says how many rows there are, so it is always among them.
  const wanted = [...new Set([1, ...pagesOf(first, end, rowsOfPage)])];
  const pages = useQueries({ queries: wanted.map((page) => samplesPage(source, page, rowsOfPage)) });

  const settled = pages.every((page) => !page.isFetching);
  useEffect(() => {
    if (!settled) return;
    const cached = client.getQueryCache().findAll({ queryKey: samplesPrefix(source), type: 'inactive' });
    const surplus = cached.sort((a, b) => b.state.dataUpdatedAt - a.state.dataUpdatedAt).slice(KEPT_PAGES);
    for (const query of surplus) client.getQueryCache().remove(query);
  }, [client, source, settled]);

  const byPage = new Map(wanted.map((page, index) => [page, pages[index]?.data]));
  const rowAt = (row: number): Sample | undefined =>
    byPage.get(Math.floor(row / rowsOfPage) + 1)?.samples[row % rowsOfPage];
  const onVisible = useCallback((from: number, to: number) => setRange([from, Math.max(to, from + 1)]), []);
  return {
    firstPage: pages[0]?.data,
    error: pages.find((page) => page.error)?.error ?? undefined,
    isFetching: !settled,
    retry: () => pages.filter((page) => page.error).forEach((page) => void page.refetch()),
    rowAt,
    onVisible,
  };
}

/** The newest value, but not more often than every so many milliseconds. */
function useThrottled<T>(value: T, milliseconds: number): T {
  const [shown, setShown] = useState({ value, at: 0 });
  useEffect(() => {
    if (shown.value === value) return;
    const wait = Math.max(shown.at + milliseconds - performance.now(), 0);
    const timer = setTimeout(() => setShown({ value, at: performance.now() }), wait);
    return () => clearTimeout(timer);
  }, [value, shown, milliseconds]);
  return shown.value;
}
