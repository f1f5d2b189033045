// Binds the arithmetic of rowWindow.ts to a scrolled element.
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import {
  elementHeight,
  positionOf,
  revealing,
  rowTop,
  scrolled,
  TOP,
  visibleRows,
  type Position,
  type Table,
} from './rowWindow';

export function useRowWindow(rows: number, rowHeight: number, headerHeight: number) {
  const scroller = useRef<HTMLDivElement>(null);
  const [viewport, setViewport] = useState(0);
  const [position, setPosition] = useState<Position>(TOP);
  // Scroll events come faster than renders, so the newest position is not that of the last render.
  const newest = useRef(position);
  const table: Table = { rows, rowHeight, viewport };

  const place = useCallback((next: Position) => {
    newest.current = next;
    const element = scroller.current;
    if (element && Math.abs(element.scrollTop - next.scrollTop) >= 1) element.scrollTop = next.scrollTop;
    setPosition(next);
  }, []);

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setViewport(element.clientHeight - headerHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, [headerHeight]);

  // Other rows, or rows of another height, begin at the top.
  useLayoutEffect(() => place(positionOf({ rows, rowHeight, viewport: 0 }, 0)), [rows, rowHeight, place]);

  const onScroll = () => {
    const element = scroller.current;
    if (element) place(scrolled(table, newest.current, element.scrollTop));
  };
  const reveal = (row: number) => place(revealing(table, newest.current, row));

  return {
    scroller,
    onScroll,
    reveal,
    isMeasured: viewport > 0,
    height: elementHeight(table),
    visible: visibleRows(table, position),
    rowsOfViewport: Math.max(1, Math.floor(viewport / rowHeight)),
    topOf: (row: number) => rowTop(table, position, row),
  };
}
