// What stands in the addresses, read with suspicion: anybody can type there. Defaults are left out.
import type { DatasetStatus, JobKind, JobState } from './api/client';

type Raw = Record<string, unknown>;

export const STATUSES = [
  'pending',
  'downloading',
  'ready',
  'failed',
] as const satisfies readonly DatasetStatus[];
export const SORTS = [
  '-created_at',
  '-updated_at',
  'name',
  '-size_bytes',
  '-row_count',
  'created_at',
] as const;
export const JOB_STATES = [
  'queued',
  'running',
  'succeeded',
  'failed',
  'cancelled',
] as const satisfies readonly JobState[];
export const JOB_KINDS = ['ingest', 'tokenize'] as const satisfies readonly JobKind[];

export type DatasetSort = (typeof SORTS)[number];

export interface DatasetsSearch {
  q?: string | undefined;
  status?: (typeof STATUSES)[number] | undefined;
  sort?: DatasetSort | undefined;
  page?: number | undefined;
}

export interface JobsSearch {
  state?: JobState | undefined;
  kind?: JobKind | undefined;
  page?: number | undefined;
}

export interface CompareSearch {
  a?: string | undefined;
  b?: string | undefined;
}

export interface AddSearch {
  repo?: string | undefined;
}

function text(value: unknown): string | undefined {
  // The router reads `?q=42` as a number.
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function among<T extends string>(value: unknown, choices: readonly T[]): T | undefined {
  return choices.find((choice) => choice === value);
}

function page(value: unknown): number | undefined {
  const number = Number(value);
  return Number.isInteger(number) && number > 1 && number < 1_000_000 ? number : undefined;
}

export function datasetsSearch(raw: Raw): DatasetsSearch {
  const sort = among(raw['sort'], SORTS);
  return {
    q: text(raw['q']),
    status: among(raw['status'], STATUSES),
    sort: sort === SORTS[0] ? undefined : sort,
    page: page(raw['page']),
  };
}

export function jobsSearch(raw: Raw): JobsSearch {
  return {
    state: among(raw['state'], JOB_STATES),
    kind: among(raw['kind'], JOB_KINDS),
    page: page(raw['page']),
  };
}

export function compareSearch(raw: Raw): CompareSearch {
  return { a: text(raw['a']), b: text(raw['b']) };
}

export function addSearch(raw: Raw): AddSearch {
  return { repo: text(raw['repo']) };
}
