// What the charts draw, made of the statistics: bars of lengths, points of rank and frequency, stages of the filters.

/** A bar: lengths from `from` up to, not including, `to`. */
export interface Bin {
  from: number;
  to: number;
  count: number;
}

/** Joins neighbouring bins until there are at most `limit`; no sequence is lost. */
export function binned(counts: readonly number[], width: number, limit = 48): Bin[] {
  const last = counts.findLastIndex((count) => count > 0);
  const first = Math.max(
    counts.findIndex((count) => count > 0),
    0,
  );
  if (last < 0) return [];
  const joined = Math.max(1, Math.ceil((last + 1 - first) / limit));
  const bins: Bin[] = [];
  for (let index = first; index <= last; index += joined) {
    const count = counts.slice(index, index + joined).reduce((sum, one) => sum + one, 0);
    bins.push({ from: index * width, to: (index + joined) * width, count });
  }
  return bins;
}

export interface RankPoint {
  rank: number;
  count: number;
}

/** Points at ranks spaced evenly on a logarithmic axis; `counts` descend. */
export function rankFrequency(counts: readonly number[], limit = 120): RankPoint[] {
  const points: RankPoint[] = [];
  const total = counts.length;
  let last = 0;
  for (let step = 0; step < limit; step++) {
    const rank = Math.round(total ** (step / Math.max(limit - 1, 1)));
    const count = counts[rank - 1];
    if (rank > last && count !== undefined && count > 0) points.push({ rank, count });
    last = Math.max(last, rank);
  }
  return points;
}

/** The exponent s of Zipf's law, count ≈ C ÷ rank^s, by least squares on logarithms; none for fewer than three points. */
export function zipfExponent(points: readonly RankPoint[]): number | undefined {
  if (points.length < 3) return undefined;
  const logs = points.map(({ rank, count }) => [Math.log(rank), Math.log(count)] as const);
  const mean = (pick: 0 | 1) => logs.reduce((sum, log) => sum + log[pick], 0) / logs.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const covariance = logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const variance = logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return -covariance / variance;
}

export interface Stage {
  name: string;
  /** Tokens that are left after this stage. */
  left: number;
  /** Tokens that this stage removed. */
  dropped: number;
}

export interface Filtered {
  total_tokens: number;
  dropped_by_rule: { special: number; stop_word: number; min_length: number };
}

/**
 * Tokens after each filter, in the order in which the filters apply. The last stage is what is stored, where windows that
 * overlap count tokens again: so the first is "at least" what the tokenizer made.
 */
export function funnel({ total_tokens, dropped_by_rule }: Filtered): Stage[] {
  const { special, stop_word, min_length } = dropped_by_rule;
  let left = total_tokens + special + stop_word + min_length;
  const after = (name: string, dropped: number) => ({ name, left: (left -= dropped), dropped });
  return [
    after('Tokens, unfiltered', 0),
    after('Without special tokens', special),
    after('Without stop words', stop_word),
    after('Without short tokens', min_length),
  ];
}
