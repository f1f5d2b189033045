// A problem of the server as people read it: what happened, why, and what to do next.
import type { ReactNode } from 'react';
import { ApiProblem, type AnyProblem } from '../api/problem';
import { cx } from './cx';
import { Icon } from './Icon';

interface Props {
  /** A `problem+json`, the `error` of a dataset, tokenization or job, or anything that was thrown. */
  problem: unknown;
  /** What was tried, as a headline. */
  title?: string;
  /** Buttons: try again, and so on. */
  actions?: ReactNode;
  compact?: boolean;
}

export function Problem({ problem, title, actions, compact = false }: Props) {
  const shown = ApiProblem.from(problem);
  return (
    <div
      role="alert"
      className={cx(
        'rounded-md border border-bad/30 bg-bad-soft text-sm',
        compact ? 'px-2.5 py-2 text-xs' : 'px-3.5 py-3',
      )}
    >
      <div className="flex items-start gap-2">
        <Icon name="alert" className="mt-0.5 text-bad" size={compact ? 14 : 16} />
        <div className="min-w-0 flex-1 space-y-1">
          <p className="font-semibold text-bad">{title ?? shown.title}</p>
          <p className="text-ink">{shown.detail}</p>
          {shown.errors.length > 0 && (
            <ul className="list-disc pl-4">
              {shown.errors.map((violation) => (
                <li key={violation.field + violation.description}>
                  <code className="font-mono">{violation.field}</code> {violation.description}
                </li>
              ))}
            </ul>
          )}
          <NextStep problem={shown} />
          {!compact && (
            <p className="font-mono text-2xs text-faint">
              {shown.reason}
              {shown.trace_id !== undefined && shown.trace_id !== '' && ` · trace ${shown.trace_id}`}
            </p>
          )}
          {actions !== undefined && <div className="flex flex-wrap gap-2 pt-1">{actions}</div>}
        </div>
      </div>
    </div>
  );
}

function NextStep({ problem }: { problem: AnyProblem }) {
  if (problem.next_step === undefined || problem.next_step === null || problem.next_step === '') return null;
  return (
    <p className="text-ink">
      <span className="font-medium">Next: </span>
      <Linked text={problem.next_step} />
    </p>
  );
}

/** A text whose web addresses can be followed; everything else stays text. */
export function Linked({ text }: { text: string }) {
  return text.split(/(https?:\/\/[^\s<>"'`)]*[^\s<>"'`).,;:])/).map((part, n) =>
    n % 2 === 1 ? (
      <a key={n} href={part} target="_blank" rel="noreferrer noopener" className="text-accent-text underline">
        {part}
      </a>
    ) : (
      part
    ),
  );
}
