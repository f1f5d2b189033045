// A table of any number of rows of one height, of which only those that are seen exist in the page.
//
// It is a grid: one stop for the tab key, arrows move along the rows, Enter opens one. Only rows that scroll into view
// are drawn anew; the others keep their place.
import { memo, useEffect, useId, useState, type KeyboardEvent, type ReactNode } from 'react';
import { useRowWindow } from './useRowWindow';
import './samples.css';

export interface GridColumn<Row> {
  name: string;
  /** Least width, in rem. */
  width: number;
  /** Share of the width that is left over; 0 = none. */
  grow: number;
  cell: (row: Row) => ReactNode;
}

interface RowTableProps<Row> {
  label: string;
  rows: number;
  rowHeight: number;
  columns: readonly GridColumn<Row>[];
  /** None while it is fetched. */
  rowAt: (index: number) => Row | undefined;
  /** The number that is shown for a row, which in a search is not its place in the table. */
  numberOf: (row: Row | undefined, index: number) => number;
  onVisible: (first: number, end: number) => void;
  onOpen: (index: number) => void;
  /** A row to scroll to, and to go on from with the arrow keys. */
  at?: number | undefined;
}

const HEADER = 36;
const NUMBER_WIDTH = 5.5;

export function RowTable<Row>(props: RowTableProps<Row>) {
  const { label, rows, rowHeight, columns, rowAt, numberOf, onVisible, onOpen, at } = props;
  const id = useId();
  const { scroller, onScroll, reveal, isMeasured, height, visible, rowsOfViewport, topOf } = useRowWindow(
    rows,
    rowHeight,
    HEADER,
  );
  const { first, end } = visible;
  const [active, setActive] = useState(at ?? 0);
  const [seenAt, setSeenAt] = useState(at);
  if (at !== seenAt) {
    setSeenAt(at);
    setActive(at ?? active);
  }

  useEffect(() => onVisible(first, end), [onVisible, first, end]);
  useEffect(() => {
    if (at !== undefined && isMeasured) reveal(at);
    // `reveal` is made anew by each render; only another row or table is a reason to scroll.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [at, rows, rowHeight, isMeasured]);

  const onKeyDown = (event: KeyboardEvent) => {
    const page = rowsOfViewport;
    const steps: Record<string, number> = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + page,
      PageUp: active - page,
      Home: 0,
      End: rows - 1,
    };
    const next = steps[event.key];
    if (event.key === 'Enter') onOpen(active);
    if (next === undefined) return;
    event.preventDefault();
    const row = Math.min(Math.max(next, 0), rows - 1);
    setActive(row);
    reveal(row);
  };

  // Each row is a grid of its own: equal tracks and width make them one table.
  const tracks = [
    `${NUMBER_WIDTH}rem`,
    ...columns.map(({ width, grow }) => (grow > 0 ? `minmax(${width}rem, ${grow}fr)` : `${width}rem`)),
  ].join(' ');
  const minWidth = `${columns.reduce((sum, column) => sum + column.width, NUMBER_WIDTH)}rem`;
  const drawn = Array.from({ length: end - first }, (_, index) => first + index);
  return (
    <div
      ref={scroller}
      className="row-table"
      data-tall={rowHeight > HEADER || undefined}
      role="grid"
      aria-label={label}
      aria-rowcount={rows + 1}
      aria-activedescendant={active >= first && active < end ? `${id}-${active}` : undefined}
      tabIndex={0}
      // No taller than its rows, with room for a scroll bar at the foot.
      style={{ height: `min(70vh, 44rem, ${rows * rowHeight + HEADER + 18}px)` }}
      onScroll={onScroll}
      onKeyDown={onKeyDown}
    >
      <div
        role="row"
        aria-rowindex={1}
        className="row-head"
        style={{ gridTemplateColumns: tracks, minWidth, height: HEADER }}
      >
        <span role="columnheader">Row</span>
        {columns.map((column) => (
          <span key={column.name} role="columnheader">
            <bdi>{column.name}</bdi>
          </span>
        ))}
      </div>
      <div role="rowgroup" className="row-body" style={{ height: height, minWidth }}>
        {drawn.map((index) => {
          const row = rowAt(index);
          return (
            <GridRow<Row>
              key={index}
              id={`${id}-${index}`}
              index={index}
              number={numberOf(row, index)}
              row={row}
              columns={columns}
              tracks={tracks}
              top={topOf(index)}
              height={rowHeight}
              isActive={index === active}
              onOpen={onOpen}
            />
          );
        })}
      </div>
    </div>
  );
}

interface GridRowProps<Row> {
  id: string;
  index: number;
  number: number;
  row: Row | undefined;
  columns: readonly GridColumn<Row>[];
  tracks: string;
  top: number;
  height: number;
  isActive: boolean;
  onOpen: (index: number) => void;
}

// `memo` loses the type parameter, so it is given back.
const GridRow = memo(function GridRow({
  id,
  index,
  number,
  row,
  columns,
  tracks,
  top,
  height,
  isActive,
  onOpen,
}: GridRowProps<unknown>) {
  return (
    // The grid has the keyboard; a row has the pointer only.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus -- as above
    <div
      id={id}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isActive}
      className="row"
      style={{ gridTemplateColumns: tracks, height, transform: `translateY(${top}px)` }}
      onClick={() => onOpen(index)}
    >
      <span role="rowheader" className="row-number">
        {number.toLocaleString('en')}
      </span>
      {columns.map((column) => (
        <span key={column.name} role="gridcell" className="row-cell">
          {row === undefined ? (
            <span className="row-waits" aria-label="loading">
              …
            </span>
          ) : (
            column.cell(row)
          )}
        </span>
      ))}
    </div>
  );
}) as <Row>(props: GridRowProps<Row>) => ReactNode;
