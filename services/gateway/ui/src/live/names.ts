// What datasets are called, for screens that know their ids only. Filled by the channel of all datasets.
import { create } from 'zustand';

export const useNames = create<Readonly<Record<string, string>>>()(() => ({}));

/** Undefined: it is gone, or nothing was heard yet. */
export function useDatasetName(id: string): string | undefined {
  return useNames((names) => names[id]);
}
