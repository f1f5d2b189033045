// What goes wrong, in one form: a `problem+json`, the `error` of a record, or a server that does not answer.

export interface FieldError {
  field: string;
  description: string;
}

/** What every problem has, whichever way it came. */
export interface AnyProblem {
  reason: string;
  title: string;
  detail: string;
  retryable: boolean;
  errors: FieldError[];
  next_step?: string | null | undefined;
  retry_after_ms?: number | null | undefined;
  status?: number | undefined;
  trace_id?: string | undefined;
}

export class ApiProblem extends Error implements AnyProblem {
  readonly reason: string;
  readonly title: string;
  readonly detail: string;
  readonly retryable: boolean;
  readonly errors: FieldError[];
  readonly next_step?: string | null | undefined;
  readonly retry_after_ms?: number | null | undefined;
  readonly status?: number | undefined;
  readonly trace_id?: string | undefined;

  constructor(problem: AnyProblem) {
    super(problem.detail);
    this.name = 'ApiProblem';
    this.reason = problem.reason;
    this.title = problem.title;
    this.detail = problem.detail;
    this.retryable = problem.retryable;
    this.errors = problem.errors;
    this.next_step = problem.next_step;
    this.retry_after_ms = problem.retry_after_ms;
    this.status = problem.status;
    this.trace_id = problem.trace_id;
  }

  /** Whatever was thrown or received, as a problem. */
  static from(cause: unknown): ApiProblem {
    if (cause instanceof ApiProblem) return cause;
    if (isRecord(cause) && typeof cause['reason'] === 'string' && typeof cause['detail'] === 'string') {
      return new ApiProblem({
        reason: cause['reason'],
        title: typeof cause['title'] === 'string' ? cause['title'] : cause['reason'],
        detail: cause['detail'],
        retryable: cause['retryable'] === true,
        errors: Array.isArray(cause['errors']) ? (cause['errors'] as FieldError[]) : [],
        next_step: cause['next_step'] as string | undefined,
        retry_after_ms: cause['retry_after_ms'] as number | undefined,
        status: cause['status'] as number | undefined,
        trace_id: cause['trace_id'] as string | undefined,
      });
    }
    // `fetch` rejects with a TypeError when there is no answer at all.
    return cause instanceof TypeError ? unreachable() : unexpected(cause);
  }

  /** The problem with one field of a form, if it is about that field. */
  of(field: string): string | undefined {
    return this.errors.find((error) => error.field === field || error.field.endsWith(`.${field}`))
      ?.description;
  }
}

export function unreachable(): ApiProblem {
  return new ApiProblem({
    reason: 'UNREACHABLE',
    title: 'The server does not answer',
    detail: 'The gateway could not be reached from this page.',
    retryable: true,
    errors: [],
    next_step: 'check that `tokenmill up` runs; this page connects again by itself',
  });
}

function unexpected(cause: unknown): ApiProblem {
  return new ApiProblem({
    reason: 'UNEXPECTED',
    title: 'Something unexpected happened',
    detail: cause instanceof Error ? cause.message : 'The answer could not be read.',
    retryable: false,
    errors: [],
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
