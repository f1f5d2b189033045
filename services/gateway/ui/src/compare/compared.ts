// Two previews of one text made comparable: which tokens of either side differ, and how.
import type { Preview } from '../dataset/queries';
import { align, differencesOf, type PlacedToken } from '../tokens/align';
import type { TokenMark } from '../tokens/TokenText';

export interface Compared {
  a: TokenMark[];
  b: TokenMark[];
  /** Stretches of the text that are cut or kept differently. */
  stretches: number;
}

export function compared(text: string, a: Preview, b: Preview): Compared {
  const groups = align(text, placed(a), placed(b));
  return {
    a: differencesOf(groups, 'a'),
    b: differencesOf(groups, 'b'),
    stretches: groups.filter((group) => group.difference !== 'none').length,
  };
}

function placed({ tokens }: Preview): PlacedToken[] {
  return tokens.map((token) => ({
    offsets: [token.offsets[0] ?? 0, token.offsets[1] ?? 0],
    kept: token.kept,
  }));
}
