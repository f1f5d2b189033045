// Tokens on one clipped line or few, for tables: no focus, no state, cheap to scroll by.
import { memo } from 'react';
import { spansOfRow } from './spans';
import { TokenParts } from './TokenParts';
import './tokens.css';

/** Tokens that are drawn of a row of a table. */
const SHOWN = 60;

interface TokenLineProps {
  ids: readonly number[];
  pieces: readonly string[];
}

export const TokenLine = memo(function TokenLine({ ids, pieces }: TokenLineProps) {
  const spans = spansOfRow(ids.slice(0, SHOWN), pieces);
  return (
    <span className="token-line" dir="auto">
      {spans.map((span, place) => (
        <span key={place} className={`token token-tone-${place % 4}${span.special ? ' token-special' : ''}`}>
          <TokenParts parts={span.parts} />
        </span>
      ))}
      {ids.length > SHOWN && '…'}
    </span>
  );
});
