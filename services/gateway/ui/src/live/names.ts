// What datasets are called, for screens that know their ids only. Filled by the channel of all datasets.
import { create } from 'zustand';

interface Names {
  byId: Readonly<Record<string, string>>;
  /** Whether all names are there. */
  heard: boolean;
}

export const useNames = create<Names>()(() => ({ byId: {}, heard: false }));

/** Null: it is gone. Undefined: nothing was heard yet. */
export function useDatasetName(id: string): string | null | undefined {
  return useNames(({ byId, heard }) => byId[id] ?? (heard ? null : undefined));
}
