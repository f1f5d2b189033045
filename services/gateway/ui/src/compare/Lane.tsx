// One side of a comparison: a tokenization's settings over the text, its tokens, and what is different about them.
import type { ReactNode } from 'react';
import { PreviewCounts } from '../dataset/tokenizations/PreviewResult';
import type { Preview, Tokenization } from '../dataset/queries';
import { spansOfPreview } from '../tokens/spans';
import { TokenText, type TokenMark } from '../tokens/TokenText';

interface LaneProps {
  side: 'A' | 'B';
  tokenization: Tokenization;
  preview: Preview | undefined;
  marks: readonly TokenMark[];
  children?: ReactNode;
}

export function Lane({ side, tokenization, preview, marks, children }: LaneProps) {
  const differing = marks.filter((mark) => mark !== 'none').length;
  return (
    <section aria-label={`${side}: ${tokenization.tokenizer_name}`} className="min-w-0">
      <h2 className="mb-1 text-lg font-semibold">
        {side}: <bdi>{tokenization.tokenizer_name}</bdi>
      </h2>
      {children}
      {preview && (
        <>
          <PreviewCounts preview={preview} kept={preview.tokens.filter((token) => token.kept).length} />
          <TokenText
            label={`Tokens of ${side}`}
            spans={spansOfPreview(preview.tokens)}
            marks={marks}
            limit={2000}
          />
          {marks.length > 0 && (
            <p className="text-muted" data-numeric>
              {differing.toLocaleString('en')} of {preview.tokens.length.toLocaleString('en')} tokens differ
            </p>
          )}
        </>
      )}
    </section>
  );
}
