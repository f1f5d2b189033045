// Text of a dataset, isolated from the page's direction, with unseen characters made visible.
import { clipped, visibleRuns } from './visible';
import './tokens.css';

interface VisibleTextProps {
  text: string;
  /** Characters that are drawn at most. */
  limit?: number;
  /** Line ends also break the line; else they are only marked. */
  breaks?: boolean;
}

export function VisibleText({ text, limit = 20_000, breaks = false }: VisibleTextProps) {
  if (text === '') return <span className="token-empty">empty</span>;
  const shown = clipped(text, limit);
  // Text of spaces alone would look empty.
  const spaces = shown.text.trim() === '';
  return (
    <bdi dir="auto">
      {visibleRuns(shown.text, { spaces }).map((run, index) => {
        if (run.kind === 'text') return run.text;
        if (breaks && run.text === '\n') return '\n';
        return (
          <span key={index} className="token-mark" title={run.name}>
            {run.mark}
          </span>
        );
      })}
      {shown.cut && (
        <span className="token-mark">
          … {(text.length - shown.text.length).toLocaleString('en')} more characters
        </span>
      )}
    </bdi>
  );
}
