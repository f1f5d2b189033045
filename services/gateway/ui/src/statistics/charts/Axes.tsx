// Axes of a chart: lines, ticks and their words.
import type { Scale } from './scale';

export interface Frame {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

interface AxesProps {
  frame: Frame;
  x: Scale;
  y: Scale;
  xLabel: string;
  yLabel: string;
  /** Where the label of the vertical axis stands, when not right above it. */
  labelTop?: number;
}

export function Axes({ frame, x, y, xLabel, yLabel, labelTop }: AxesProps) {
  const { left, right, top, bottom } = frame;
  return (
    <g className="chart-axes" aria-hidden="true">
      {y.ticks.map((tick) => (
        <g key={tick} transform={`translate(0 ${y(tick)})`}>
          <line x1={left} x2={right} className="chart-grid" />
          <text x={left - 6} dy="0.32em" textAnchor="end">
            {short(tick)}
          </text>
        </g>
      ))}
      {x.ticks.map((tick) => (
        <g key={tick} transform={`translate(${x(tick)} 0)`}>
          <line y1={bottom} y2={bottom + 4} className="chart-line" />
          <text y={bottom + 16} textAnchor="middle">
            {short(tick)}
          </text>
        </g>
      ))}
      <line x1={left} x2={right} y1={bottom} y2={bottom} className="chart-line" />
      <text x={right} y={bottom + 32} textAnchor="end" className="chart-label">
        {xLabel}
      </text>
      <text x={left} y={labelTop ?? top - 8} textAnchor="start" className="chart-label">
        {yLabel}
      </text>
    </g>
  );
}

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** A number as short as an axis needs it: 1.5M. */
export function short(value: number): string {
  return compact.format(value);
}
