// Tokens on few clipped lines, for tables: no focus, no state, cheap to scroll by.
import { memo } from 'react';
import { describe, spansOfRow, type TokenRow } from './spans';
import { TokenParts } from './TokenParts';
import './tokens.css';

/** Tokens that are drawn of a row of a table. */
const SHOWN = 100;

export const TokenLine = memo(function TokenLine({ row }: { row: TokenRow }) {
  return (
    <span className="token-line" dir="auto">
      {spansOfRow(row, SHOWN).map((span, place) => (
        <span
          key={place}
          title={describe(span)}
          className={`token token-tone-${place % 4}${span.special ? ' token-special' : ''}`}
        >
          <TokenParts parts={span.parts} />
        </span>
      ))}
      {row.input_ids.length > SHOWN && '…'}
    </span>
  );
});
