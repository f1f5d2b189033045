// Tokens of the vocabulary as people read them. The statistics name them as the vocabulary spells them: byte-level
// tokenizers write each byte as one printable character (`Ġ` is a space), SentencePiece writes `▁` for a space.

/** The character of each byte, as GPT-2 chose them: itself where it is printable, else one from U+0100 on. */
const BYTES = new Map<string, number>();
let next = 0x100;
for (let byte = 0; byte < 256; byte++) {
  const isPrintable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
  BYTES.set(String.fromCodePoint(isPrintable ? byte : next++), byte);
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The spellings of one vocabulary, made readable; what is no whole text keeps its spelling. */
export function readable(tokens: readonly string[]): string[] {
  // No other kind of vocabulary has words that begin so.
  const isByteLevel = tokens.some((token) => /^Ġ[a-z]/i.test(token));
  return tokens.map((token) => (isByteLevel ? decoded(token) : token.replaceAll('▁', ' ')));
}

function decoded(token: string): string {
  const bytes = Array.from(token, (character) => BYTES.get(character));
  if (bytes.some((byte) => byte === undefined)) return token;
  try {
    return decoder.decode(Uint8Array.from(bytes as number[]));
  } catch {
    return token;
  }
}
