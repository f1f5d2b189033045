// Rank and frequency of ids, both by orders of magnitude: language makes nearly a straight line.
import { Axes } from './Axes';
import { ChartFigure } from './ChartFigure';
import { logarithmic } from './scale';
import { rankFrequency, zipfExponent } from './series';

const HEIGHT = 260;

export function RankFrequencyChart({ counts }: { counts: readonly number[] }) {
  const points = rankFrequency(counts);
  const slope = zipfExponent(points);
  const summary =
    `Counts of the ${counts.length.toLocaleString('en')} most frequent ids by rank` +
    (slope === undefined ? '.' : `; they fall about as 1 ÷ rank^${slope.toFixed(2)} (prose: near 1).`);
  return (
    <ChartFigure
      name="Rank and frequency"
      summary={summary}
      columns={['Rank', 'Count']}
      rows={points.map((point) => [point.rank, point.count])}
    >
      {(width) => {
        const frame = { left: 48, right: width - 12, top: 24, bottom: HEIGHT - 40 };
        const x = logarithmic([1, Math.max(counts.length, 2)], [frame.left, frame.right]);
        const lowest = points.at(-1)?.count ?? 1;
        const y = logarithmic(
          [10 ** Math.floor(Math.log10(lowest)), points[0]?.count ?? 1],
          [frame.bottom, frame.top],
        );
        return (
          <svg width={width} height={HEIGHT} role="img" aria-label={`Rank and frequency: ${summary}`}>
            <Axes frame={frame} x={x} y={y} xLabel="rank" yLabel="count" />
            <polyline
              className="chart-path"
              points={points.map((point) => `${x(point.rank)},${y(point.count)}`).join(' ')}
            />
            {points.map((point) => (
              <circle key={point.rank} className="chart-point" cx={x(point.rank)} cy={y(point.count)} r={2.5}>
                <title>{`rank ${point.rank}: ${point.count.toLocaleString('en')}`}</title>
              </circle>
            ))}
          </svg>
        );
      }}
    </ChartFigure>
  );
}
