// Two tokenizations of one text, side by side: which stretches of the text they cut alike, and which not.
//
// Ids of two vocabularies cannot be compared, so places in the text are: a group is the smallest stretch that neither
// side's tokens cross.

export interface PlacedToken {
  /** First and one past the last character (code point) of the text. */
  offsets: readonly [number, number];
  kept: boolean;
}

/** Indexes of tokens, first and one past the last, of both sides. */
export interface Group {
  a: [number, number];
  b: [number, number];
  /** `cut`: the token bounds differ. `fate`: the same bounds, but a filter keeps only one side. */
  difference: 'none' | 'cut' | 'fate';
}

/** Groups in the order of the text; each token of both sides is in exactly one. */
export function align(text: string, a: readonly PlacedToken[], b: readonly PlacedToken[]): Group[] {
  // Offsets count code points.
  const characters = Array.from(text);
  const groups: Group[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const [firstA, firstB] = [i, j];
    const groupStart = Math.min(startOf(a, i), startOf(b, j));
    let end = groupStart;
    while (i < a.length || j < b.length) {
      const start = Math.min(startOf(a, i), startOf(b, j));
      // Empty tokens, and tokens that split a character, begin where the group does.
      if (start >= end && start !== groupStart) break;
      end = Math.max(end, startOf(a, i) <= startOf(b, j) ? endOf(a, i++) : endOf(b, j++));
    }
    const difference = compare(characters, a.slice(firstA, i), b.slice(firstB, j));
    groups.push({ a: [firstA, i], b: [firstB, j], difference });
  }
  return groups;
}

function startOf(tokens: readonly PlacedToken[], index: number): number {
  return tokens[index]?.offsets[0] ?? Number.POSITIVE_INFINITY;
}

function endOf(tokens: readonly PlacedToken[], index: number): number {
  return tokens[index]?.offsets[1] ?? 0;
}

function compare(
  characters: string[],
  a: readonly PlacedToken[],
  b: readonly PlacedToken[],
): Group['difference'] {
  // Some tokenizers count the space before a word to the word and some drop it: that is no other cut.
  const bounds = (token: PlacedToken) => trimmed(characters, token.offsets).join(':');
  const [boundsA, boundsB] = [a.map(bounds), b.map(bounds)];
  if (boundsA.length !== boundsB.length || boundsA.some((bound, index) => bound !== boundsB[index]))
    return 'cut';
  return a.some((token, index) => token.kept !== b[index]?.kept) ? 'fate' : 'none';
}

function trimmed(characters: string[], [start, end]: readonly [number, number]): [number, number] {
  let [from, to] = [start, end];
  while (from < to && isBlank(characters[from])) from++;
  while (to > from && isBlank(characters[to - 1])) to--;
  // A token of blanks alone keeps its place.
  return from === to ? [start, end] : [from, to];
}

function isBlank(character: string | undefined): boolean {
  return character !== undefined && /\s/u.test(character);
}

/** For one side: whether each token is in a group that differs, and which difference. */
export function differencesOf(groups: readonly Group[], side: 'a' | 'b'): Group['difference'][] {
  return groups.flatMap((group) => {
    const [from, to] = group[side];
    return Array.from({ length: to - from }, () => group.difference);
  });
}
