// What each filter leaves over, as bars of one scale.
import { short } from './Axes';
import { ChartFigure } from './ChartFigure';
import { linear } from './scale';
import { funnel, type Filtered } from './series';

const ROW = 46;

export function FilterFunnel({ statistics }: { statistics: Filtered }) {
  const stages = funnel(statistics);
  const all = stages[0]?.left ?? 0;
  const kept = all === 0 ? 0 : statistics.total_tokens / all;
  const summary =
    `The filters keep ${(kept * 100).toFixed(1)}% of the tokens. Tokens of overlapping windows and of the template count as ` +
    'often as they are stored.';
  return (
    <ChartFigure
      name="Filters"
      summary={summary}
      columns={['Stage', 'Tokens left', 'Dropped']}
      rows={stages.map((stage) => [stage.name, stage.left, stage.dropped])}
    >
      {(width) => {
        const x = linear([0, all], [0, width]);
        return (
          <svg width={width} height={stages.length * ROW} role="img" aria-label={`Filters: ${summary}`}>
            {stages.map((stage, index) => (
              <g key={stage.name} transform={`translate(0 ${index * ROW})`}>
                <text y={14}>{stage.name}</text>
                <text x={width} y={14} textAnchor="end">
                  {short(stage.left)}
                  {stage.dropped > 0 && ` (−${short(stage.dropped)})`}
                </text>
                <rect className="chart-track" y={20} width={width} height={14} rx={3} />
                <rect className="chart-bar" y={20} width={Math.max(x(stage.left), 1)} height={14} rx={3} />
              </g>
            ))}
          </svg>
        );
      }}
    </ChartFigure>
  );
}
