// Open streams of the Flight service: which of them read a dataset, and what is said of each.

export interface Reader {
  run_id: string | null;
  rank: string | null;
  world_size: string | null;
  reads: { path?: string[]; plan?: { sources?: { tokenization_id: string }[] } };
  step: number | null;
  rows: number;
  rows_per_second: number;
  opened_at: string;
  last_seen_at: string;
}

/** The readers of a dataset: of its rows, or of any of its tokenizations. */
export function readersOf(
  all: readonly Reader[],
  datasetId: string,
  tokenizationIds: readonly string[],
): Reader[] {
  const mine = new Set([datasetId, ...tokenizationIds]);
  return all.filter(({ reads }) => {
    const sources = reads.plan?.sources?.map((source) => source.tokenization_id) ?? [];
    return [...(reads.path ?? []), ...sources].some((id) => mine.has(id));
  });
}

/** What a reader reads, in a few words. */
export function readsWhat({ reads }: Reader): string {
  if (!reads.path) return 'a read plan';
  const [kind, , part, split] = reads.path;
  if (kind === 'tokenizations') return 'sequences';
  return part === 'raw' && split !== undefined ? `rows of ${split}` : 'rows';
}

export function rankText({ rank, world_size }: Reader): string {
  if (rank === null) return '–';
  return world_size === null ? rank : `${rank} of ${world_size}`;
}

/** The answer of the gateway, which passes on what the Flight service says. */
export function readersIn(answer: unknown): Reader[] {
  const readers = (answer as { readers?: unknown } | undefined)?.readers;
  return Array.isArray(readers) ? (readers as Reader[]) : [];
}
