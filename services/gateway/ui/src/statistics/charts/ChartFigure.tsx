// The frame of a chart: its name, its switches, the drawing at the width there is, and the same as a table.
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { formatCount } from '../../format';
import { Table, Td, Th } from '../../ui';
import './charts.css';

interface ChartFigureProps {
  name: string;
  /** One sentence for those who do not see the drawing, and a caption for those who do. */
  summary: string;
  controls?: ReactNode;
  columns: readonly string[];
  rows: readonly (readonly (string | number)[])[];
  children: (width: number) => ReactNode;
}

export function ChartFigure({ name, summary, controls, columns, rows, children }: ChartFigureProps) {
  const [frame, width] = useWidth();
  return (
    <figure className="chart" aria-label={name}>
      <div className="chart-head">
        <h2>{name}</h2>
        {controls}
      </div>
      <div ref={frame} className="chart-frame">
        {width > 0 && children(width)}
      </div>
      <figcaption>{summary}</figcaption>
      <details>
        <summary>{name} as a table</summary>
        <Table label={`${name}, table`}>
          <thead>
            <tr>
              {columns.map((column) => (
                <Th key={column}>{column}</Th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, index) => (
              <tr key={index}>
                {row.map((cell, place) => (
                  <Td key={place}>{typeof cell === 'number' ? formatCount(cell) : <bdi>{cell}</bdi>}</Td>
                ))}
              </tr>
            ))}
          </tbody>
        </Table>
      </details>
    </figure>
  );
}

/** The width of an element in whole pixels, 0 before it is known. */
function useWidth() {
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!frame.current) return;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.floor(entry.contentRect.width)));
    observer.observe(frame.current);
    return () => observer.disconnect();
  }, []);
  return [frame, width] as const;
}
