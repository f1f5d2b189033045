// Tokens of a text, each visibly apart from its neighbours, with id and bytes of the one under the pointer or cursor.
//
// One element takes the focus and the arrow keys move along the tokens: thousands of tab stops would lock keyboards in.
import { memo, useId, useState, type KeyboardEvent } from 'react';
import { describe, endsLine, RULE_TAGS, type TokenSpan } from './spans';
import { TokenParts } from './TokenParts';
import './tokens.css';

/** How a token stands out beside its colour; `cut` and `fate` are differences to another tokenization. */
export type TokenMark = 'none' | 'cut' | 'fate' | 'overlap';

interface TokenTextProps {
  spans: readonly TokenSpan[];
  label: string;
  marks?: readonly TokenMark[] | undefined;
  /** Tokens drawn at first; a button shows more. */
  limit?: number;
  /** Says how it is used only when it is. */
  quiet?: boolean;
}

const MARK_WORDS: Record<TokenMark, string> = {
  none: '',
  cut: 'cut differently',
  fate: 'kept on one side only',
  overlap: 'also in the window before',
};

export function TokenText({ spans, label, marks, limit = 600, quiet = false }: TokenTextProps) {
  const id = useId();
  const [shownCount, setShown] = useState(limit);
  const [active, setActive] = useState<number>();
  const shown = spans.slice(0, shownCount);
  const current = active === undefined ? undefined : shown[active];

  const move = (event: KeyboardEvent) => {
    const last = shown.length - 1;
    const from = active ?? -1;
    const steps: Record<string, number> = { ArrowRight: from + 1, ArrowLeft: from - 1, Home: 0, End: last };
    const next = steps[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const place = Math.min(Math.max(next, 0), last);
    setActive(place);
    document.getElementById(`${id}-${place}`)?.scrollIntoView({ block: 'nearest' });
  };

  if (spans.length === 0) return <p className="text-muted">No tokens.</p>;
  return (
    <div>
      {/* What the pointer does, the arrow keys do too. */}
      <div
        role="listbox"
        aria-label={label}
        aria-activedescendant={active === undefined ? undefined : `${id}-${active}`}
        tabIndex={0}
        dir="auto"
        className="token-text"
        onKeyDown={move}
        onPointerOver={(event) => {
          const place = (event.target as HTMLElement).closest<HTMLElement>('[data-place]')?.dataset['place'];
          if (place !== undefined) setActive(Number(place));
        }}
      >
        {shown.map((span, place) => (
          <Token
            key={place}
            id={`${id}-${place}`}
            place={place}
            span={span}
            mark={marks?.[place] ?? 'none'}
            isActive={place === active}
          />
        ))}
      </div>
      <p className="token-detail" aria-live="off">
        {current ? (
          <>
            <span className="token-quote" dir="auto">
              <TokenParts parts={current.parts} />
            </span>{' '}
            {describe(current)}
            {marks?.[active ?? 0] && MARK_WORDS[marks[active ?? 0] ?? 'none']
              ? ` · ${MARK_WORDS[marks[active ?? 0] ?? 'none']}`
              : ''}
          </>
        ) : (
          !quiet && 'Point at a token, or move along them with the arrow keys, to see its id and bytes.'
        )}
      </p>
      {spans.length > shown.length && (
        <button type="button" className="link-button" onClick={() => setShown(shownCount + limit * 2)}>
          Show more of {spans.length.toLocaleString('en')} tokens
        </button>
      )}
    </div>
  );
}

interface TokenProps {
  id: string;
  place: number;
  span: TokenSpan;
  mark: TokenMark;
  isActive: boolean;
}

const Token = memo(function Token({ id, place, span, mark, isActive }: TokenProps) {
  const classes = ['token', `token-tone-${place % 4}`];
  if (span.special) classes.push('token-special');
  if (span.droppedBy) classes.push('token-dropped');
  if (mark !== 'none') classes.push(`token-${mark}`);
  return (
    <>
      <span
        id={id}
        role="option"
        aria-selected={isActive}
        title={describe(span)}
        data-place={place}
        className={classes.join(' ')}
      >
        <TokenParts parts={span.parts} />
        {span.droppedBy && <sub className="token-rule">{RULE_TAGS[span.droppedBy]}</sub>}
      </span>
      {endsLine(span) && <br />}
    </>
  );
});
