// The columns of the table in each view: raw values, conversations as bubbles, tokens.
import type { ReactNode } from 'react';
import { ChatBubbles } from '../../tokens/ChatBubbles';
import { conversationColumn, messagesOf } from '../../tokens/conversation';
import { TokenLine } from '../../tokens/TokenLine';
import { VisibleText } from '../../tokens/VisibleText';
import { cellText } from './cell';
import type { RawSample, Sample, TokenSample } from '../queries';
import type { GridColumn } from './RowTable';

export type View = 'raw' | 'chat' | 'tokens';

/** Pixels: one line, some bubbles, some lines. */
export const ROW_HEIGHTS: Record<View, number> = { raw: 36, chat: 168, tokens: 92 };

/** Longest text of a cell; the drawer shows all of it. */
const CELL = 240;
/** Messages and their characters that a row of the table shows. */
const BUBBLES = 3;
const BUBBLE = 160;

export function isTokens(sample: Sample): sample is TokenSample {
  return 'input_ids' in sample;
}

/** `names` in the order of the schema; `query` is what was searched for. */
export function rawColumns(
  names: readonly { name: string; isText: boolean }[],
  showsSplit: boolean,
  query: string,
): GridColumn<Sample>[] {
  const split: GridColumn<Sample> = {
    name: 'split',
    width: 6,
    grow: 0,
    cell: (sample) => <bdi>{sample.split}</bdi>,
  };
  const columns = names.map(({ name, isText }): GridColumn<Sample> => ({
    name,
    width: isText ? 16 : 8,
    grow: isText ? 3 : 1,
    cell: (sample) => <RawCell value={raw(sample)?.data[name]} query={query} />,
  }));
  return showsSplit ? [split, ...columns] : columns;
}

function RawCell({ value, query }: { value: unknown; query: string }): ReactNode {
  if (value === null || value === undefined) return <span className="row-null">null</span>;
  if (typeof value === 'number') return <span className="row-clip tabular-nums">{value}</span>;
  return (
    <div className="row-clip">
      <VisibleText text={cellText(value, CELL, query)} />
    </div>
  );
}

export function chatColumns(): GridColumn<Sample>[] {
  return [
    {
      name: 'conversation',
      width: 17,
      grow: 1,
      cell: (sample) => <ChatCell data={raw(sample)?.data ?? {}} />,
    },
  ];
}

function ChatCell({ data }: { data: Record<string, unknown> }) {
  const column = conversationColumn(data);
  const messages = column === undefined ? undefined : messagesOf(data[column]);
  if (!messages) return <span className="row-null">no conversation in this row</span>;
  return <ChatBubbles messages={messages.slice(0, BUBBLES)} limit={BUBBLE} />;
}

export function tokenColumns(): GridColumn<Sample>[] {
  const number = (name: string, of: (sample: TokenSample) => number): GridColumn<Sample> => ({
    name,
    width: 6,
    grow: 0,
    cell: (sample) => (
      <span className="tabular-nums">{isTokens(sample) ? of(sample).toLocaleString('en') : ''}</span>
    ),
  });
  const tokens: GridColumn<Sample> = {
    name: 'tokens',
    width: 17,
    grow: 1,
    cell: (sample) => (isTokens(sample) ? <TokenLine row={sample} /> : null),
  };
  // The tokens come first: on a phone the numbers have to be scrolled to.
  return [
    tokens,
    number('document', (sample) => sample.doc),
    number('window', (sample) => sample.window),
    number('length', (sample) => sample.input_ids.length),
  ];
}

function raw(sample: Sample): RawSample | undefined {
  return isTokens(sample) ? undefined : sample;
}
