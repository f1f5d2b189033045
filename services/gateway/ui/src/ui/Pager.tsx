// Goes through the pages of a list.
import { formatCount } from '../format';
import { Button } from './Button';

interface Props {
  page: number;
  limit: number;
  total: number;
  /** What is paged: "datasets". */
  what: string;
  onPage: (page: number) => void;
}

export function Pager({ page, limit, total, what, onPage }: Props) {
  const pages = Math.max(1, Math.ceil(total / limit));
  if (pages === 1) return null;
  const from = (page - 1) * limit + 1;
  return (
    <nav
      aria-label={`Pages of ${what}`}
      className="mt-4 flex flex-wrap items-center justify-between gap-3 text-sm text-muted"
    >
      <p data-numeric="">
        {formatCount(Math.min(from, total))}–{formatCount(Math.min(total, page * limit))} of{' '}
        {formatCount(total)} {what}
      </p>
      <div className="flex items-center gap-2">
        <Button size="sm" icon="chevronLeft" disabled={page <= 1} onClick={() => onPage(page - 1)}>
          Previous
        </Button>
        <span data-numeric="" className="px-1 text-xs">
          Page {formatCount(page)} of {formatCount(pages)}
        </span>
        <Button size="sm" disabled={page >= pages} onClick={() => onPage(page + 1)}>
          Next
        </Button>
      </div>
    </nav>
  );
}
