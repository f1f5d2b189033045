// Which settings of two tokenizations differ, in the words of the form.
import { LABELS, type FieldName, type FilledConfig } from '../dataset/tokenizations/form';

export interface Described {
  config: FilledConfig;
  tokenizer_revision?: string | null | undefined;
  engine?: string | null | undefined;
}

export interface Difference {
  name: string;
  a: string;
  b: string;
}

// How many documents are encoded at once changes nothing in the result.
const FIELDS = (Object.keys(LABELS) as FieldName[]).filter(
  (field) => field !== 'batch_size' && field !== 'tokenizer_revision',
);

/** The differences, in the order of the form; empty when the results are the same. */
export function differences(a: Described, b: Described): Difference[] {
  const rows = FIELDS.map((field) => ({
    name: LABELS[field],
    a: word(a.config[field]),
    b: word(b.config[field]),
  }));
  // Commits of two tokenizers differ anyway.
  if (a.config.tokenizer_name === b.config.tokenizer_name) {
    rows.push({ name: LABELS.tokenizer_revision, a: commit(a), b: commit(b) });
  }
  return rows.filter((row) => row.a !== row.b);
}

/** What this tokenization has that `base` has not, in a few words each: `Stride 0 (not 512)`. */
export function whatDiffers(base: Described, other: Described): string[] {
  return differences(base, other).map((row) => `${row.name}: ${row.b} (not ${row.a})`);
}

function commit({ tokenizer_revision }: Described): string {
  return tokenizer_revision?.slice(0, 8) ?? 'not pinned yet';
}

function word(value: string | number | boolean | null | undefined): string {
  if (value === null || value === undefined || value === '') return 'default';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return String(value);
  return value.length > 60 ? `${value.slice(0, 60)}…` : value;
}
