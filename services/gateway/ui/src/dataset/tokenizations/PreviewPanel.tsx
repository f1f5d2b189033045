// The live preview beside the form: a text, and what the settings make of it.
import type { ReactNode } from 'react';
import { ApiProblem } from '../../api/problem';
import { Problem, Skeleton } from '../../ui';
import { fieldErrors } from './form';
import { PreviewResult } from './PreviewResult';
import type { usePreview } from './usePreview';

interface PreviewPanelProps {
  text: string;
  preview: ReturnType<typeof usePreview>;
  /** Where the text comes from. */
  children: ReactNode;
}

export function PreviewPanel({ text, preview, children }: PreviewPanelProps) {
  const problem = preview.error;
  const isOfFields = Object.keys(fieldErrors(ApiProblem.from(problem).errors)).length > 0;
  return (
    <section aria-label="Preview" aria-busy={preview.isBehind} className="min-w-0">
      <h3 className="mb-2 text-lg font-semibold">Preview</h3>
      <div className="mb-3">{children}</div>
      {problem && isOfFields ? (
        <p className="text-sm text-muted">
          No preview until the fields that are marked in the form are right.
        </p>
      ) : problem ? (
        <Problem problem={problem} title="No preview" compact />
      ) : preview.data ? (
        <PreviewResult preview={preview.data} />
      ) : !preview.isBehind ? (
        <p className="text-sm text-muted">
          {text === ''
            ? 'Type or paste a text to see its tokens.'
            : 'Name a tokenizer to see what it makes of the text.'}
        </p>
      ) : (
        <Skeleton className="h-32" />
      )}
    </section>
  );
}
