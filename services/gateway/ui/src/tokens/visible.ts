// Makes unseen characters visible: controls, bidirectional overrides, odd spaces and line ends become named marks.
//
// Text of a dataset is hostile: a right-to-left override could reorder the page around it, a NUL hides. What is marked
// is never written into the page as itself.

/** A run of harmless text, or one character that is shown as a mark. */
export type Run = { kind: 'text'; text: string } | { kind: 'mark'; text: string; mark: string; name: string };

const NAMES: Record<string, [mark: string, name: string]> = {
  '\n': ['↵', 'line end'],
  '\r': ['CR', 'carriage return'],
  '\t': ['⇥', 'tab'],
  ' ': ['·', 'space'],
  '\u00a0': ['NBSP', 'no-break space'],
  '\u00ad': ['SHY', 'soft hyphen'],
  '\u007f': ['DEL', 'delete'],
};

// Unicode's own pictures of the controls are missing in many fonts.
const CONTROLS = (
  'NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI ' +
  'DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US'
).split(' ');

// The joiners U+200C and U+200D are left alone: emoji and several scripts need them, and they move nothing.
const UNSEEN =
  // eslint-disable-next-line no-control-regex -- finding control characters is what this is for
  /[\u0000-\u001f\u007f-\u00a0\u00ad\u061c\u200b\u200e\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udfff]|[\u{e0000}-\u{e007f}]/gu;
const UNSEEN_OR_SPACE = new RegExp(`${UNSEEN.source}| `, 'gu');

function marked(character: string): Run {
  const code = character.codePointAt(0) ?? 0;
  const known = NAMES[character];
  if (known) return { kind: 'mark', text: character, mark: known[0], name: known[1] };
  const hex = code.toString(16).toUpperCase().padStart(4, '0');
  const mark = CONTROLS[code] ?? `U+${hex}`;
  return { kind: 'mark', text: character, mark, name: `U+${hex}` };
}

/** Splits `text` into what can be shown as it is, and marks; joined, the runs' texts are `text`. */
export function visibleRuns(text: string, options: { spaces?: boolean } = {}): Run[] {
  const runs: Run[] = [];
  let end = 0;
  for (const match of text.matchAll(options.spaces ? UNSEEN_OR_SPACE : UNSEEN)) {
    if (match.index > end) runs.push({ kind: 'text', text: text.slice(end, match.index) });
    runs.push(marked(match[0]));
    end = match.index + match[0].length;
  }
  if (end < text.length) runs.push({ kind: 'text', text: text.slice(end) });
  return runs;
}

/** At most `limit` characters (UTF-16 units, never half of a pair), and whether anything was cut off. */
export function clipped(text: string, limit: number): { text: string; cut: boolean } {
  if (text.length <= limit) return { text, cut: false };
  const last = text.charCodeAt(limit - 1);
  const splitsPair = last >= 0xd800 && last <= 0xdbff;
  return { text: text.slice(0, splitsPair ? limit - 1 : limit), cut: true };
}
