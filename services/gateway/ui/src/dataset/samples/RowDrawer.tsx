// All of one row, at the side of the page: every column, the whole conversation, or every token.
//
// The browser's own modal dialog keeps the focus inside, closes on Escape and gives the focus back.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { CopyButton, IconButton, Problem, Skeleton } from '../../ui';
import { ChatBubbles } from '../../tokens/ChatBubbles';
import { conversationColumn, messagesOf } from '../../tokens/conversation';
import { spansOfRow } from '../../tokens/spans';
import { TokenText } from '../../tokens/TokenText';
import { VisibleText } from '../../tokens/VisibleText';
import { rawRow, type RawSample, type Sample, type TokenSample } from '../queries';
import { isTokens, type View } from './columns';

interface RowDrawerProps {
  datasetId: string;
  /** Columns of the dataset in their order. */
  columns: readonly string[];
  sample: Sample | undefined;
  view: View;
  onClose: () => void;
  onStep: (by: 1 | -1) => void;
}

export function RowDrawer({ datasetId, columns, sample, view, onClose, onStep }: RowDrawerProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (!dialog.current?.open) dialog.current?.showModal();
  }, []);
  const name = sample ? `Row ${sample.index.toLocaleString('en')} of ${sample.split}` : 'Row';
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions, jsx-a11y/click-events-have-key-events -- a click beside it closes it as Esc does
    <dialog
      ref={dialog}
      className="drawer"
      aria-label={name}
      onClose={onClose}
      // A press outside of the content is on the dialog itself.
      onClick={(event) => event.target === dialog.current && dialog.current.close()}
    >
      <div className="drawer-content">
        <header className="drawer-head">
          <h2>
            <bdi>{name}</bdi>
          </h2>
          <IconButton icon="chevronLeft" label="Previous row" onClick={() => onStep(-1)} />
          <IconButton icon="chevronRight" label="Next row" onClick={() => onStep(1)} />
          <IconButton icon="close" label="Close" onClick={() => dialog.current?.close()} />
        </header>
        {sample === undefined ? (
          <p>Loading…</p>
        ) : isTokens(sample) ? (
          <TokenRow sample={sample} />
        ) : (
          <WholeRow datasetId={datasetId} columns={columns} sample={sample} view={view} />
        )}
      </div>
    </dialog>
  );
}

/** A row of the table whose cells were cut is fetched once more, whole. */
function WholeRow({ datasetId, ...row }: RawRowProps & { datasetId: string }) {
  const { sample } = row;
  const isCut = (sample.cut?.length ?? 0) > 0;
  const { data, error } = useQuery({ ...rawRow(datasetId, sample.split, sample.index), enabled: isCut });
  const whole = data?.samples[0];
  if (!isCut) return <RawRow {...row} />;
  if (error) return <Problem problem={error} title="The row could not be fetched" />;
  return whole && !isTokens(whole) ? <RawRow {...row} sample={whole} /> : <Skeleton className="h-40" />;
}

interface RawRowProps {
  columns: readonly string[];
  sample: RawSample;
  view: View;
}

function RawRow({ columns, sample, view }: RawRowProps) {
  const column = view === 'chat' ? conversationColumn(sample.data) : undefined;
  const messages = column === undefined ? undefined : messagesOf(sample.data[column]);
  const names = new Set([...columns.filter((name) => name in sample.data), ...Object.keys(sample.data)]);
  const rest = [...names].filter((name) => messages === undefined || name !== column);
  return (
    <>
      {messages && <ChatBubbles messages={messages} />}
      <dl className="drawer-columns">
        {rest.map((name) => {
          const value = sample.data[name];
          const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
          return (
            <div key={name}>
              <dt>
                <bdi>{name}</bdi> <CopyButton quiet text={text} label={`Copy ${name}`} />
              </dt>
              <dd className="drawer-text">
                <VisibleText text={text} limit={100_000} breaks />
              </dd>
            </div>
          );
        })}
      </dl>
    </>
  );
}

function TokenRow({ sample }: { sample: TokenSample }) {
  return (
    <>
      <p className="text-muted">
        Document {sample.doc.toLocaleString('en')}, window {sample.window},{' '}
        {sample.input_ids.length.toLocaleString('en')} tokens
      </p>
      <TokenText key={sample.index} label="Tokens of the row" spans={spansOfRow(sample)} />
      <dl className="drawer-columns">
        <div>
          <dt>
            Decoded text <CopyButton quiet text={sample.text} label="Copy text" />
          </dt>
          <dd className="drawer-text">
            <VisibleText text={sample.text} limit={100_000} breaks />
          </dd>
        </div>
        <div>
          <dt>
            Ids <CopyButton quiet text={JSON.stringify(sample.input_ids)} label="Copy ids" />
          </dt>
        </div>
      </dl>
    </>
  );
}
