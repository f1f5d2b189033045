// How much of a text a preview takes.

/** The gateway takes 65,536 bytes; so many are tokenized and drawn while someone types. */
const LIMIT_BYTES = 16 * 1024;

export const EXAMPLE =
  'The quick brown fox jumps over the lazy dog.\nPreviews show each token, and which filter drops it.';

export const EXAMPLE_CHAT = JSON.stringify(
  [
    { role: 'user', content: 'Which mill grinds the finest flour?' },
    { role: 'assistant', content: 'The one whose stones are dressed.' },
  ],
  null,
  2,
);

/** The beginning of a text, cut between characters. */
export function shortened(text: string, limit = LIMIT_BYTES): string {
  const bytes = new TextEncoder().encode(text.slice(0, limit));
  if (bytes.length <= limit && text.length <= limit) return text;
  // Bytes of a character that was cut in half are left out.
  return new TextDecoder().decode(bytes.slice(0, limit), { stream: true });
}
