// What is shown and where: view, split or tokenization, search, jump to a row, and how far a search looked.
import { useState, type SubmitEvent } from 'react';
import { formatCount } from '../../format';
import { tokenizationName } from '../tokenizations/name';
import { Button, Field, NumberInput, Segmented, Select, TextInput } from '../../ui';
import type { Dataset, Samples, Tokenization } from '../queries';
import type { View } from './columns';
import type { SamplesSearch } from './search';

interface SamplesToolbarProps {
  dataset: Dataset;
  ready: readonly Tokenization[];
  tokenization: Tokenization | undefined;
  view: View;
  search: SamplesSearch;
  setSearch: (part: Partial<SamplesSearch>) => void;
  firstPage: Samples | undefined;
  isFetching: boolean;
}

const VIEWS = [
  { value: 'raw', label: 'Raw' },
  { value: 'chat', label: 'Chat' },
  { value: 'tokens', label: 'Tokens' },
] as const;

/** Another choice of rows begins at the top, with the drawer closed. */
const AFRESH = { at: undefined, row: undefined };

export function SamplesToolbar(props: SamplesToolbarProps) {
  const { dataset, ready, tokenization, view, search, setSearch, firstPage, isFetching } = props;
  return (
    <>
      <div className="mb-2 flex flex-wrap items-end gap-x-4 gap-y-3">
        <Segmented
          label="View"
          value={view}
          options={VIEWS}
          onChange={(next) => setSearch({ view: next, ...AFRESH })}
        />
        {view === 'tokens' ? (
          <Field label="Tokenization" className="w-full sm:w-72">
            {(wiring) => (
              <Select
                {...wiring}
                disabled={ready.length === 0}
                value={tokenization?.id ?? ''}
                onChange={(event) => setSearch({ tokenization: event.target.value, ...AFRESH })}
              >
                {ready.length === 0 && <option value="">None is ready</option>}
                {ready.map((one) => (
                  <option key={one.id} value={one.id}>
                    {tokenizationName(one)}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        ) : (
          <Field label="Split" className="w-36">
            {(wiring) => (
              <Select
                {...wiring}
                value={search.split ?? ''}
                onChange={(event) => setSearch({ split: event.target.value || undefined, ...AFRESH })}
              >
                <option value="">All</option>
                {dataset.splits.map(({ name }) => (
                  <option key={name} value={name}>
                    {name}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        )}
        <SearchForm key={search.q ?? ''} q={search.q ?? ''} onSearch={(q) => setSearch({ q, ...AFRESH })} />
        <JumpForm total={firstPage?.total ?? 0} onJump={(at) => setSearch({ at, row: undefined })} />
      </div>
      <p role="status" className="mb-2 min-h-5 text-sm text-muted" data-numeric>
        {found(firstPage, search.q, isFetching)}
      </p>
    </>
  );
}

function found(page: Samples | undefined, q: string | undefined, isFetching: boolean): string {
  if (!page) return isFetching ? (q ? 'Searching…' : 'Loading…') : '';
  const total = formatCount(page.total);
  if (!page.search) return `${total} rows`;
  const scanned = formatCount(page.search.scanned_rows);
  return page.search.complete
    ? `${total} found; all ${scanned} rows were searched`
    : `${total} found in the first ${scanned} rows; the search stopped there, later rows were not looked at`;
}

function SearchForm({ q, onSearch }: { q: string; onSearch: (q: string | undefined) => void }) {
  const [text, setText] = useState(q);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    onSearch(text === '' ? undefined : text);
  };
  return (
    <form onSubmit={submit} role="search" className="flex items-end gap-2">
      <Field label="Search rows" className="w-52">
        {(wiring) => (
          <TextInput
            {...wiring}
            type="search"
            maxLength={256}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </Field>
      <Button type="submit" icon="search">
        Search
      </Button>
    </form>
  );
}

function JumpForm({ total, onJump }: { total: number; onJump: (row: number) => void }) {
  const [text, setText] = useState('');
  const row = /^\d{1,15}$/.test(text.trim()) ? Number(text) : undefined;
  const isOutside = text !== '' && (row === undefined || row >= total);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (row !== undefined && !isOutside) onJump(row);
  };
  return (
    <form onSubmit={submit} className="flex items-end gap-2">
      <Field label="Jump to row" className="w-28">
        {(wiring) => (
          <NumberInput
            {...wiring}
            min={0}
            max={Math.max(total - 1, 0)}
            aria-invalid={isOutside || undefined}
            title={isOutside ? `Rows are 0 to ${formatCount(total - 1)}` : undefined}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </Field>
      <Button type="submit" disabled={row === undefined || isOutside}>
        Jump
      </Button>
    </form>
  );
}
