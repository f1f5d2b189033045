// The live preview beside the form: a text, and what the settings make of it.
import type { ReactNode } from 'react';
import { Field, Problem, Skeleton, TextArea } from '../../ui';
import { PreviewResult } from './PreviewResult';
import type { usePreview } from './usePreview';

interface PreviewPanelProps {
  text: string;
  onText: (text: string) => void;
  preview: ReturnType<typeof usePreview>;
  children: ReactNode;
}

export function PreviewPanel({ text, onText, preview, children }: PreviewPanelProps) {
  const problem = preview.error;
  return (
    <section aria-label="Preview" aria-busy={preview.isBehind} className="min-w-0">
      <h3 className="mb-2 text-lg font-semibold">Preview</h3>
      {children}
      <Field label="Preview text" className="my-3">
        {(wiring) => (
          <TextArea
            {...wiring}
            dir="auto"
            rows={4}
            value={text}
            onChange={(event) => onText(event.target.value)}
          />
        )}
      </Field>
      {problem ? (
        <Problem problem={problem} title="No preview" compact />
      ) : preview.data ? (
        <PreviewResult preview={preview.data} />
      ) : text === '' ? (
        <p className="text-muted">Type or paste a text to see its tokens.</p>
      ) : (
        <Skeleton className="h-32" />
      )}
    </section>
  );
}
