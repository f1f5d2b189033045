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
  sample: Sample | undefined;
  view: View;
  onClose: () => void;
  onStep: (by: 1 | -1) => void;
}

export function RowDrawer({ datasetId, sample, view, onClose, onStep }: RowDrawerProps) {
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
          <WholeRow datasetId={datasetId} sample={sample} view={view} />
        )}
      </div>
    </dialog>
  );
}

/** A row of the table whose cells were cut is fetched once more, whole. */
function WholeRow({ datasetId, sample, view }: { datasetId: string; sample: RawSample; view: View }) {
  const isCut = (sample.cut?.length ?? 0) > 0;
  const { data, error } = useQuery({ ...rawRow(datasetId, sample.split, sample.index), enabled: isCut });
  const whole = data?.samples[0];
  if (!isCut) return <RawRow sample={sample} view={view} />;
  if (error) return <Problem problem={error} title="The row could not be fetched" />;
  return whole && !isTokens(whole) ? <RawRow sample={whole} view={view} /> : <Skeleton className="h-40" />;
}

function RawRow({ sample, view }: { sample: RawSample; view: View }) {
  const column = view === 'chat' ? conversationColumn(sample.data) : undefined;
  const messages = column === undefined ? undefined : messagesOf(sample.data[column]);
  const rest = Object.entries(sample.data).filter(([name]) => messages === undefined || name !== column);
  return (
    <>
      {messages && <ChatBubbles messages={messages} />}
      <dl className="drawer-columns">
        {rest.map(([name, value]) => {
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
