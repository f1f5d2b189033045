// A value of a row as one short text for a table; never more work than the text is long.

const MAX_DEPTH = 4;

/** About `limit` characters of the value, written as JSON except for texts at the top. */
export function cellText(value: unknown, limit = 200, around = ''): string {
  if (typeof value === 'string') return startingNear(value, around, limit).slice(0, limit);
  return brief(value, limit, 0);
}

/** The text from shortly before the first place where `needle` stands, any case. */
function startingNear(text: string, needle: string, limit: number): string {
  if (needle === '') return text;
  const place = text.toLowerCase().indexOf(needle.toLowerCase());
  const from = place - 30;
  return place + needle.length > limit / 2 && from > 0 ? `…${text.slice(from, from + limit)}` : text;
}

function brief(value: unknown, limit: number, depth: number): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, limit));
  if (value === null || typeof value !== 'object') return String(value);
  const isList = Array.isArray(value);
  if (depth === MAX_DEPTH) return isList ? '[…]' : '{…}';
  const parts: string[] = [];
  let left = limit;
  // Each item takes a character at least, so no more of them can be shown.
  for (const [key, item] of Object.entries(isList ? value.slice(0, limit) : value)) {
    if (left <= 0) {
      parts.push('…');
      break;
    }
    const text = brief(item, left, depth + 1);
    const part = isList ? text : `${JSON.stringify(key)}: ${text}`;
    left -= part.length;
    parts.push(part);
  }
  return isList ? `[${parts.join(', ')}]` : `{${parts.join(', ')}}`;
}
