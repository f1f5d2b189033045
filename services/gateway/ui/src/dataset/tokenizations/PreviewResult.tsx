// The answer of a preview: how many tokens each rule drops, the tokens with their fate, and the rows that are stored.
import { plural } from '../../format';
import { RULE_WORDS, spansOfPreview, type DropRule } from '../../tokens/spans';
import { TokenText } from '../../tokens/TokenText';
import { SHOWN_WINDOWS, windowView, type PreviewedWindow } from '../../tokens/windows';
import type { TokenSpan } from '../../tokens/spans';
import type { Preview } from '../queries';

const RULES: readonly DropRule[] = ['special', 'stop_word', 'min_length'];

export function PreviewResult({ preview }: { preview: Preview }) {
  const spans = spansOfPreview(preview.tokens);
  const kept = spans.filter((span) => span.droppedBy === null);
  const windows = preview.windows.slice(0, SHOWN_WINDOWS);
  return (
    <>
      <PreviewCounts preview={preview} kept={kept.length} />
      <TokenText label="Tokens" spans={spans} />
      <h4 className="mt-4 mb-1 font-semibold">Sequences that are stored</h4>
      {preview.window_count === 0 && <p className="text-muted">None: the filters drop every token.</p>}
      <ol className="flex flex-col gap-1">
        {windows.map((window, index) => (
          <WindowRow key={index} number={index + 1} window={window} kept={kept} />
        ))}
      </ol>
      {preview.window_count > windows.length && (
        <p className="mt-2 text-muted">
          … and {(preview.window_count - windows.length).toLocaleString('en')} more.
        </p>
      )}
    </>
  );
}

/** Total and fate of the tokens; also used beside a comparison. */
export function PreviewCounts({ preview, kept }: { preview: Preview; kept: number }) {
  const dropped = RULES.filter((rule) => preview.dropped_by_rule[rule] > 0);
  const said = preview.loss_mask.filter(Boolean).length;
  return (
    <p className="mb-2" data-numeric>
      <strong>{preview.tokens.length.toLocaleString('en')}</strong> tokens, {kept.toLocaleString('en')} kept
      {dropped.map(
        (rule) => `, ${preview.dropped_by_rule[rule].toLocaleString('en')} dropped as ${RULE_WORDS[rule]}`,
      )}
      {said > 0 && `, ${said.toLocaleString('en')} said by the model`}
      {' · '}
      {preview.window_count.toLocaleString('en')} {preview.window_count === 1 ? 'sequence' : 'sequences'}
      {' · '}engine {preview.engine}, tokenizer at {preview.tokenizer_revision.slice(0, 8)}
    </p>
  );
}

interface WindowRowProps {
  number: number;
  window: PreviewedWindow;
  kept: readonly TokenSpan[];
}

function WindowRow({ number, window, kept }: WindowRowProps) {
  const { tokens, fill } = windowView(window, kept);
  const facts = [plural(window.length, 'id')];
  if (window.overlap > 0) facts.push(`${window.overlap.toLocaleString('en')} also in the one before`);
  if (fill > 0) facts.push(`${fill.toLocaleString('en')} of fill`);
  return (
    <li>
      <span className="text-muted" data-numeric>
        {number}: {facts.join(', ')}
      </span>
      <TokenText
        label={`Sequence ${number}`}
        spans={tokens.map((token) => token.span)}
        marks={tokens.map((token) => (token.part === 'overlap' ? 'overlap' : 'none'))}
        limit={120}
        quiet
      />
    </li>
  );
}
