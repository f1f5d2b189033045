// What of the samples page stands in its address, so that a link shows the same rows.
import type { View } from './columns';

export interface SamplesSearch {
  view?: View;
  split?: string;
  tokenization?: string;
  q?: string;
  /** The row that the table is scrolled to, and the one whose drawer is open. */
  at?: number;
  row?: number;
}

const VIEWS: readonly View[] = ['raw', 'chat', 'tokens'];

/** Reads an address; what makes no sense is left out. */
export function samplesSearch(from: Record<string, unknown>): SamplesSearch {
  const text = (name: string) => {
    const value = from[name];
    // The router reads a value such as 42 or true as JSON.
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : '';
  };
  const number = (name: string) => (/^\d{1,15}$/.test(text(name)) ? Number(text(name)) : undefined);
  const found: SamplesSearch = {};
  const view = VIEWS.find((known) => known === from['view']);
  if (view) found.view = view;
  for (const name of ['split', 'tokenization', 'q'] as const) if (text(name) !== '') found[name] = text(name);
  for (const name of ['at', 'row'] as const) {
    const value = number(name);
    if (value !== undefined) found[name] = value;
  }
  return found;
}
