// What a token looks like: pieces and ids become spans of visible parts, with the bytes behind them.
//
// Pure, so that the samples table, the preview and the comparison draw the same thing.
import { visibleRuns } from './visible';

export type DropRule = 'special' | 'stop_word' | 'min_length';

/** A stretch of a token: text, a character made visible, or one byte of a character that tokens split. */
export type Part =
  | { kind: 'text'; text: string }
  | { kind: 'mark'; text: string; mark: string; name: string }
  | { kind: 'byte'; byte: number; text: string };

export interface TokenSpan {
  id: number;
  piece: string;
  parts: Part[];
  bytes: number[];
  special: boolean;
  droppedBy: DropRule | null;
}

export const RULE_WORDS: Record<DropRule, string> = {
  special: 'special token',
  stop_word: 'stop word',
  min_length: 'too short',
};

/** The same in so few letters that they stand beside each token. */
export const RULE_TAGS: Record<DropRule, string> = {
  special: 'special',
  stop_word: 'stop',
  min_length: 'short',
};

// A byte that is not whole UTF-8 is at least 0x80, so `<0x41>` is text that someone wrote.
const BYTE = /<0x([89A-F][0-9A-F])>/g;

const encoder = new TextEncoder();

/** Text and split bytes of a piece, as the gateway writes them. */
export function partsOf(piece: string): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const match of piece.matchAll(BYTE)) {
    parts.push(...visibleRuns(piece.slice(end, match.index), { spaces: true }));
    parts.push({ kind: 'byte', byte: Number.parseInt(match[1] ?? '', 16), text: match[0] });
    end = match.index + match[0].length;
  }
  parts.push(...visibleRuns(piece.slice(end), { spaces: true }));
  return parts;
}

/** The bytes that a piece stands for. */
export function bytesOf(parts: Part[]): number[] {
  return parts.flatMap((part) => (part.kind === 'byte' ? [part.byte] : [...encoder.encode(part.text)]));
}

// For answers that do not say which ids are special: the spellings in use, <|im_end|>, <s>, [CLS], <start_of_turn>.
const SPECIAL =
  /^(<\|[^<>|\s]+\|>|<｜[^<>｜\s]+｜>|<\/?(s|pad|unk|mask|bos|eos|(start|end)_of_\w+)>|\[[A-Z]+\d*\])$/;

/** Whether a piece is spelt as special tokens are. */
export function looksSpecial(piece: string): boolean {
  return SPECIAL.test(piece);
}

export interface TokenRow {
  input_ids: readonly number[];
  /** One per id. */
  pieces: readonly string[];
  /** Positions of special tokens. */
  special?: readonly number[];
}

/** The spans of a stored row, or of its first `limit` tokens. */
export function spansOfRow(row: TokenRow, limit = Infinity): TokenSpan[] {
  const { input_ids, pieces } = row;
  const specials = row.special && new Set(row.special);
  const ids = limit < input_ids.length ? input_ids.slice(0, limit) : input_ids;
  return ids.map((id, index) => {
    const piece = pieces[index] ?? '';
    const parts = partsOf(piece);
    return {
      id,
      piece,
      parts,
      bytes: bytesOf(parts),
      special: specials?.has(index) ?? looksSpecial(piece),
      droppedBy: null,
    };
  });
}

export interface PreviewedToken {
  id: number;
  piece: string;
  bytes: readonly number[];
  special: boolean;
  dropped_by?: DropRule | null | undefined;
}

/** The spans of a preview, whose bytes and specials are told by the tokenizer itself. */
export function spansOfPreview(tokens: readonly PreviewedToken[]): TokenSpan[] {
  return tokens.map((token) => ({
    id: token.id,
    piece: token.piece,
    // Bytes that are text are text, whatever they spell.
    parts: isUtf8(token.bytes) ? visibleRuns(token.piece, { spaces: true }) : partsOf(token.piece),
    bytes: [...token.bytes],
    special: token.special,
    droppedBy: token.dropped_by ?? null,
  }));
}

function isUtf8(bytes: readonly number[]): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes));
    return true;
  } catch {
    return false;
  }
}

/** What a hovered or focused token says of itself. */
export function describe(span: TokenSpan): string {
  const hex = span.bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, '0'));
  const shownBytes = hex.length > 24 ? [...hex.slice(0, 24), `… ${hex.length} in all`] : hex;
  const facts = [`id ${span.id}`, `bytes ${shownBytes.join(' ') || 'none'}`];
  if (span.special) facts.push('special');
  if (span.droppedBy) facts.push(`dropped: ${RULE_WORDS[span.droppedBy]}`);
  return facts.join(' · ');
}

/** Whether a line should break after this token: the page must show lines where the text has them. */
export function endsLine(span: TokenSpan): boolean {
  return span.piece.endsWith('\n');
}
