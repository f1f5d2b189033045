// How long the sequences are: bars, lines at the percentiles, and the window's length with what it cuts.
import { useState } from 'react';
import { formatPercent } from '../../format';
import { Segmented } from '../../ui';
import { Axes, short } from './Axes';
import { ChartFigure } from './ChartFigure';
import { linear, logarithmic } from './scale';
import { binned } from './series';

interface LengthHistogramProps {
  counts: readonly number[];
  binWidth: number;
  percentiles: { p50: number; p90: number; p99: number; max: number };
  maxLength: number;
  /** Share of documents of more than one window. */
  truncated: number;
}

const HEIGHT = 280;
const SCALES = [
  { value: 'linear', label: 'Linear' },
  { value: 'log', label: 'Logarithmic' },
] as const;

export function LengthHistogram({
  counts,
  binWidth,
  percentiles,
  maxLength,
  truncated,
}: LengthHistogramProps) {
  const [kind, setKind] = useState<'linear' | 'log'>('linear');
  const bins = binned(counts, binWidth);
  const highest = Math.max(1, ...bins.map((bin) => bin.count));
  const cut =
    truncated === 0 ? 'none truncated' : `${formatPercent(truncated, truncated < 0.001 ? 3 : 1)} truncated`;
  const summary =
    `Half of the sequences have at most ${percentiles.p50} tokens, 90% at most ${percentiles.p90}, 99% at most ` +
    `${percentiles.p99}; the longest has ${percentiles.max}. Of the documents, ${cut} by the window of ${maxLength}.`;
  return (
    <ChartFigure
      name="Sequence lengths"
      summary={summary}
      controls={
        <Segmented label="Scale of sequence lengths" value={kind} onChange={setKind} options={SCALES} />
      }
      columns={['From (tokens)', 'Below', 'Sequences']}
      rows={bins.map((bin) => [bin.from, bin.to, bin.count])}
    >
      {(width) => {
        const frame = { left: 48, right: width - 12, top: 44, bottom: HEIGHT - 40 };
        const longest = bins.at(-1)?.to ?? 1;
        // A window that is much longer than all sequences would press them to the side: it is then off the scale.
        const isFar = maxLength > longest * 3;
        const last = isFar ? longest * 1.2 : Math.max(longest, maxLength);
        const x = linear([0, last], [frame.left, frame.right], width < 500 ? 4 : 8);
        const range: [number, number] = [frame.bottom, frame.top];
        const y = kind === 'log' ? logarithmic([1, highest], range) : linear([0, highest], range, 5);
        const limit = x(Math.min(maxLength, last));
        const lines = [
          { at: percentiles.p50, word: 'p50', row: 0 },
          { at: percentiles.p90, word: 'p90', row: 1 },
          { at: percentiles.p99, word: 'p99', row: 2 },
        ];
        return (
          <svg
            width={width}
            height={HEIGHT}
            role="img"
            aria-label={`Sequence lengths: ${bins.length} bars. ${summary}`}
          >
            <Axes
              frame={frame}
              x={x}
              y={y}
              xLabel="tokens of a sequence"
              yLabel={width < 500 ? '' : 'sequences'}
              labelTop={8}
            />
            {bins.map((bin) => (
              // A bar of one sequence on a logarithmic axis has no height, so each has a pixel at least.
              <rect
                key={bin.from}
                className="chart-bar"
                x={x(bin.from) + 0.5}
                width={Math.max(x(bin.to) - x(bin.from) - 1, 1)}
                y={bin.count > 0 ? Math.min(y(bin.count), frame.bottom - 1) : frame.bottom}
                height={bin.count > 0 ? Math.max(frame.bottom - y(bin.count), 1) : 0}
              >
                <title>{`${bin.from} to ${bin.to - 1} tokens: ${bin.count.toLocaleString('en')} sequences`}</title>
              </rect>
            ))}
            {lines.map((line) => (
              <Marker
                key={line.word}
                x={x(line.at)}
                top={frame.top - 26 + line.row * 12}
                bottom={frame.bottom}
                // Words do not cross the line of the window.
                right={x(line.at) <= limit ? limit : frame.right}
                word={`${line.word} ${short(line.at)}`}
              />
            ))}
            <Marker
              x={limit}
              top={frame.top - 38}
              bottom={frame.bottom}
              right={frame.right}
              word={`max_length ${maxLength}${isFar ? ' →' : ''}: ${cut}`}
              isLimit
            />
          </svg>
        );
      }}
    </ChartFigure>
  );
}

interface MarkerProps {
  x: number;
  top: number;
  bottom: number;
  right: number;
  word: string;
  isLimit?: boolean;
}

/** A line with its word on the side where there is room. */
function Marker({ x, top, bottom, right, word, isLimit = false }: MarkerProps) {
  const isNearEnd = x > right - word.length * 7.5;
  return (
    <g className={isLimit ? 'chart-limit' : 'chart-marker'}>
      <line x1={x} x2={x} y1={top} y2={bottom} />
      <text x={isNearEnd ? x - 4 : x + 4} y={top + 8} textAnchor={isNearEnd ? 'end' : 'start'}>
        {word}
      </text>
    </g>
  );
}
