// Rows of the dataset: raw, as conversations, or as tokens of one of its tokenizations. All choices stand in the address.
import { useMemo } from 'react';
import { Button, EmptyState, Problem } from '../../ui';
import type { Dataset, Sample } from '../queries';
import { isText, schemaColumns } from '../overview/schema';
import { useTabSearch } from '../useTabSearch';
import { chatColumns, rawColumns, ROW_HEIGHTS, tokenColumns, type View } from './columns';
import { rawPages, rawRowBytes, tokenPages } from './pages';
import { RowDrawer } from './RowDrawer';
import { RowTable } from './RowTable';
import { SamplesToolbar } from './SamplesToolbar';
import { samplesSearch, type SamplesSearch } from './search';
import { useRows } from './useRows';

export default function SamplesTab({ dataset }: { dataset: Dataset }) {
  const [search, setSearch] = useTabSearch(samplesSearch);
  if (dataset.status !== 'ready') {
    return (
      <EmptyState icon="list" title="No rows yet">
        Rows can be browsed once the dataset is ready; it is {dataset.status} now.
      </EmptyState>
    );
  }
  return <Samples dataset={dataset} search={search} setSearch={setSearch} />;
}

interface SamplesProps {
  dataset: Dataset;
  search: SamplesSearch;
  setSearch: (change: Partial<SamplesSearch>) => void;
}

function Samples({ dataset, search, setSearch }: SamplesProps) {
  const ready = dataset.tokenizations.filter((one) => one.status === 'ready');
  const view: View = search.view ?? 'raw';
  const tokenization =
    view === 'tokens' ? (ready.find((one) => one.id === search.tokenization) ?? ready[0]) : undefined;
  const needsTokenization = view === 'tokens' && !tokenization;
  const query = search.q ?? '';
  // Tokens cover one split, so the choice of another one would only show nothing.
  const split = view === 'tokens' ? undefined : search.split;

  const pages = tokenization
    ? tokenPages(tokenization.num_tokens, tokenization.num_sequences)
    : rawPages(rawRowBytes(dataset.size_bytes, dataset.row_count), schemaColumns(dataset.schema).length);
  const { cellBytes } = pages;
  const source = { datasetId: dataset.id, split, tokenizationId: tokenization?.id, q: query, cellBytes };
  const rows = useRows(source, pages.rows);
  const total = rows.firstPage?.total ?? 0;

  const columns = useMemo(() => {
    if (view === 'tokens') return tokenColumns();
    if (view === 'chat') return chatColumns();
    const names = schemaColumns(dataset.schema).map(({ name, type }) => ({ name, isText: isText(type) }));
    return rawColumns(names, split === undefined && dataset.splits.length > 1, query);
  }, [view, dataset.schema, dataset.splits.length, split, query]);

  // A row that is open is also one that the table shows, so that it is fetched wherever the link came from.
  const open = (row: number) => setSearch({ row, at: row });
  return (
    <section aria-label="Samples">
      <SamplesToolbar
        dataset={dataset}
        ready={ready}
        tokenization={tokenization}
        view={view}
        search={search}
        setSearch={setSearch}
        firstPage={needsTokenization ? undefined : rows.firstPage}
        isFetching={rows.isFetching}
      />
      {needsTokenization ? (
        <EmptyState icon="tokens" title="Not tokenized yet">
          Start a tokenization on the tab Tokenizations; its tokens are shown here.
        </EmptyState>
      ) : rows.error ? (
        <Problem
          problem={rows.error}
          title="No rows"
          actions={<Button onClick={rows.retry}>Try again</Button>}
        />
      ) : rows.firstPage && total === 0 ? (
        <EmptyState icon="search" title={query ? 'Nothing found' : 'No rows'}>
          {query ? `No row holds “${query}”.` : 'This split is empty.'}
        </EmptyState>
      ) : (
        <RowTable<Sample>
          key={JSON.stringify([source, view])}
          label={view === 'tokens' ? 'Token rows' : 'Rows'}
          rows={total}
          rowHeight={ROW_HEIGHTS[view]}
          columns={columns}
          rowAt={rows.rowAt}
          numberOf={(row, index) => (query && row ? row.index : index)}
          onVisible={rows.onVisible}
          onOpen={open}
          at={search.at ?? search.row}
        />
      )}
      {search.row !== undefined && total > 0 && (
        <RowDrawer
          datasetId={dataset.id}
          columns={schemaColumns(dataset.schema).map(({ name }) => name)}
          sample={rows.rowAt(search.row)}
          view={view}
          onClose={() => setSearch({ row: undefined })}
          onStep={(by) => open(Math.min(Math.max((search.row ?? 0) + by, 0), total - 1))}
        />
      )}
    </section>
  );
}
