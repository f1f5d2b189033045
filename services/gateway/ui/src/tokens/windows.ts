// The rows that a preview would store, as spans: what of a row is text, what the window before has too, what stands
// around it, and how much is fill.
import type { TokenSpan } from './spans';

export interface PreviewedWindow {
  input_ids: readonly number[];
  length: number;
  /** Kept tokens in it, counted without the dropped ones. */
  start: number;
  end: number;
  overlap: number;
}

export interface WindowToken {
  span: TokenSpan;
  part: 'text' | 'overlap' | 'around';
}

export interface WindowView {
  tokens: WindowToken[];
  fill: number;
}

/** Most rows and tokens of a row that are drawn; the answer may hold a million ids. */
export const SHOWN_WINDOWS = 12;
export const SHOWN_TOKENS = 400;

/** `kept` are the spans of the tokens that no filter drops, in order. */
export function windowView(window: PreviewedWindow, kept: readonly TokenSpan[]): WindowView {
  const text = kept.slice(window.start, window.end);
  const stored = window.input_ids.slice(0, window.length);
  const before = placeOf(stored, text);
  const tokens = stored.slice(0, SHOWN_TOKENS).map((id, index): WindowToken => {
    const place = index - before;
    const span = place >= 0 ? text[place] : undefined;
    if (!span) return { span: around(id), part: 'around' };
    return { span, part: place < window.overlap ? 'overlap' : 'text' };
  });
  return { tokens, fill: window.input_ids.length - window.length };
}

/** How many tokens of the template stand before the text. */
function placeOf(stored: readonly number[], text: readonly TokenSpan[]): number {
  for (let place = 0; place + text.length <= stored.length; place++) {
    if (text.every((span, index) => span.id === stored[place + index])) return place;
  }
  return 0;
}

/** A token that is not of the text: the preview tells only its id. */
function around(id: number): TokenSpan {
  const piece = `#${id}`;
  return { id, piece, parts: [{ kind: 'text', text: piece }], bytes: [], special: true, droppedBy: null };
}
