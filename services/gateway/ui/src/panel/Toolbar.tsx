// Search, status and order of the panel. All of it is in the address.
import { useNavigate } from '@tanstack/react-router';
import { useCallback } from 'react';
import { formatCount } from '../format';
import { STATUSES, type DatasetsSearch, type DatasetSort } from '../search';
import { statusWord } from '../ui/Badge';
import { Field, Select } from '../ui/Field';
import { SearchBox } from './SearchBox';

const SORT_WORDS: Record<DatasetSort, string> = {
  '-created_at': 'Newest first',
  created_at: 'Oldest first',
  '-updated_at': 'Last changed first',
  name: 'By name',
  '-size_bytes': 'Largest first',
  '-row_count': 'Most rows first',
};

export type Counts = Partial<Record<string, number>>;

interface Props {
  search: DatasetsSearch;
  /** How many of each status the search finds, when the server says it. */
  counts: Counts | undefined;
}

export function Toolbar({ search, counts }: Props) {
  const navigate = useNavigate({ from: '/' });
  const change = useCallback(
    (part: DatasetsSearch, replace = false) => {
      // Another list begins at its first page.
      void navigate({
        search: (before) => ({ ...before, page: undefined, ...part }),
        replace,
        resetScroll: false,
      });
    },
    [navigate],
  );
  const onSearch = useCallback((q: string) => change({ q: q === '' ? undefined : q }, true), [change]);
  const all =
    counts === undefined ? undefined : STATUSES.reduce((sum, status) => sum + (counts[status] ?? 0), 0);
  return (
    <div className="mb-4 flex flex-wrap items-center gap-x-3 gap-y-2.5">
      <SearchBox label="Search datasets" value={search.q ?? ''} onSearch={onSearch} />
      <div role="group" aria-label="Status" className="-mx-1 flex max-w-full flex-wrap gap-1 px-1">
        <Chip
          word="All"
          count={all}
          on={search.status === undefined}
          onPick={() => change({ status: undefined })}
        />
        {STATUSES.map((status) => (
          <Chip
            key={status}
            word={statusWord(status)}
            count={counts === undefined ? undefined : (counts[status] ?? 0)}
            on={search.status === status}
            onPick={() => change({ status: search.status === status ? undefined : status })}
          />
        ))}
      </div>
      <Field label="Order" quiet className="ml-auto w-44 max-sm:ml-0 max-sm:w-full">
        {(wiring) => (
          <Select
            {...wiring}
            value={search.sort ?? '-created_at'}
            onChange={(event) => change({ sort: event.target.value as DatasetSort })}
          >
            {Object.entries(SORT_WORDS).map(([sort, word]) => (
              <option key={sort} value={sort}>
                {word}
              </option>
            ))}
          </Select>
        )}
      </Field>
    </div>
  );
}

interface ChipProps {
  word: string;
  count: number | undefined;
  on: boolean;
  onPick: () => void;
}

function Chip({ word, count, on, onPick }: ChipProps) {
  const look = on
    ? 'border-line-strong bg-surface text-ink shadow-card'
    : 'border-transparent text-muted hover:bg-hover hover:text-ink';
  return (
    <button
      type="button"
      aria-pressed={on}
      onClick={onPick}
      className={`inline-flex h-7 items-center gap-1.5 rounded-full border px-2.5 text-xs font-medium ${look}`}
    >
      {word}
      {count !== undefined && (
        <span data-numeric="" className="text-2xs text-faint">
          {formatCount(count)}
        </span>
      )}
    </button>
  );
}
