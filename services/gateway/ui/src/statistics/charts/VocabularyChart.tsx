// The most frequent ids of the vocabulary, as bars.
import { visibleRuns } from '../../tokens/visible';
import { readable } from '../spelling';
import { Segmented } from '../../ui';
import { short } from './Axes';
import { ChartFigure } from './ChartFigure';
import { linear } from './scale';

export interface VocabEntry {
  token_id: number;
  token: string;
  count: number;
  fraction: number;
}

interface VocabularyChartProps {
  entries: readonly VocabEntry[];
  uniqueTokens: number;
  top: Top;
  onTop: (top: Top) => void;
}

export type Top = '20' | '50' | '100';

const ROW = 20;
const TOPS = (['20', '50', '100'] as const).map((value) => ({ value, label: `Top ${value}` }));

export function VocabularyChart({ entries, uniqueTokens, top, onTop }: VocabularyChartProps) {
  const spelt = readable(entries.map((entry) => entry.token));
  const shown = entries
    .slice(0, Number(top))
    .map((entry, index) => ({ ...entry, token: spelt[index] ?? entry.token }));
  const share = shown.reduce((sum, entry) => sum + entry.fraction, 0);
  const summary = `The ${shown.length} most frequent of ${uniqueTokens.toLocaleString('en')} ids that occur make ${percent(share)} of all tokens.`;
  return (
    <ChartFigure
      name="Vocabulary"
      summary={summary}
      controls={<Segmented label="Number of bars" value={top} onChange={onTop} options={TOPS} />}
      columns={['Rank', 'Id', 'Token', 'Count', 'Share']}
      rows={shown.map((entry, index) => [
        index + 1,
        String(entry.token_id),
        visibleToken(entry.token),
        entry.count,
        percent(entry.fraction),
      ])}
    >
      {(width) => {
        const left = Math.min(130, width * 0.36);
        const x = linear([0, shown[0]?.count ?? 1], [left, width - 96]);
        return (
          <svg width={width} height={shown.length * ROW + 4} role="img" aria-label={`Vocabulary: ${summary}`}>
            {shown.map((entry, index) => (
              <g key={entry.token_id} transform={`translate(0 ${index * ROW})`}>
                <title>{`id ${entry.token_id}: ${entry.count.toLocaleString('en')} (${percent(entry.fraction)})`}</title>
                <text x={left - 8} y={ROW / 2} dy="0.32em" textAnchor="end" className="chart-token">
                  {visibleToken(entry.token, 14)}
                </text>
                <rect
                  className="chart-bar"
                  x={left}
                  y={2}
                  width={Math.max(x(entry.count) - left, 1)}
                  height={ROW - 5}
                  rx={2}
                />
                <text
                  x={x(entry.count) + 6}
                  y={ROW / 2}
                  dy="0.32em"
                >{`${short(entry.count)} · ${percent(entry.fraction)}`}</text>
              </g>
            ))}
          </svg>
        );
      }}
    </ChartFigure>
  );
}

function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(fraction < 0.001 ? 3 : 1)}%`;
}

/** A token as one line of text, its unseen characters as marks. */
function visibleToken(token: string, limit = 40): string {
  const text = visibleRuns(token, { spaces: true })
    .map((run) => (run.kind === 'mark' ? run.mark : run.text))
    .join('');
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}
