// The panel of all datasets: searched, filtered, sorted and paged by the server, and kept up to date by the feed.
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { DropFiles } from '../add/DropFiles';
import { datasetsQuery } from '../api/queries';
import { plural } from '../format';
import type { DatasetsSearch } from '../search';
import { Button, ButtonLink } from '../ui/Button';
import { Pager } from '../ui/Pager';
import { EmptyState, PageHeader, Skeleton } from '../ui/parts';
import { Problem } from '../ui/Problem';
import { DatasetCard } from './DatasetCard';
import { EmptyPanel } from './EmptyPanel';
import { Toolbar } from './Toolbar';

/** Rows of two and of three are both full. */
const LIMIT = 60;

export function DatasetsPanel() {
  const search = useSearch({ from: '/' });
  const navigate = useNavigate({ from: '/' });
  const { q, status, sort, page = 1 } = search;
  const { data, error, refetch, isPlaceholderData } = useQuery(
    datasetsQuery({ q, status, sort, page, limit: LIMIT }),
  );
  const filtered = q !== undefined || status !== undefined;
  const empty = data?.total === 0 && !filtered;
  return (
    <DropFiles>
      <PageHeader
        title="Datasets"
        actions={
          <ButtonLink to="/add" variant="primary" icon="add">
            Add dataset
          </ButtonLink>
        }
      >
        {data === undefined || empty
          ? ' '
          : filtered
            ? `${plural(data.total, 'dataset')} found`
            : plural(data.total, 'dataset')}
      </PageHeader>
      <Toolbar search={search} counts={data?.counts} />
      {error && data === undefined && (
        <Problem
          problem={error}
          title="The datasets cannot be listed"
          actions={
            <Button size="sm" icon="refresh" onClick={() => void refetch()}>
              Try again
            </Button>
          }
        />
      )}
      {data === undefined && !error && <Loading />}
      {empty && <EmptyPanel />}
      {data?.total === 0 && filtered && <NothingFound search={search} />}
      {data !== undefined && data.total > 0 && (
        <>
          <section
            aria-label="Datasets"
            aria-busy={isPlaceholderData || undefined}
            className="grid gap-3 has-[details[open]]:items-start sm:grid-cols-2 xl:grid-cols-3"
          >
            {data.items.map((dataset) => (
              <DatasetCard key={dataset.id} dataset={dataset} />
            ))}
          </section>
          <Pager
            page={page}
            limit={LIMIT}
            total={data.total}
            what="datasets"
            onPage={(next) => void navigate({ search: (before) => ({ ...before, page: next }) })}
          />
        </>
      )}
    </DropFiles>
  );
}

function Loading() {
  return (
    <div aria-busy="true" className="grid gap-3 sm:grid-cols-2 xl:grid-cols-3">
      {Array.from({ length: 6 }, (_, n) => (
        <Skeleton key={n} className="h-40" />
      ))}
    </div>
  );
}

function NothingFound({ search }: { search: DatasetsSearch }) {
  const { q, status } = search;
  return (
    <EmptyState
      icon="search"
      title="No dataset found"
      actions={
        <>
          <ButtonLink to="/" search={{}}>
            Show all datasets
          </ButtonLink>
          {q?.includes('/') && (
            <ButtonLink to="/add" search={{ repo: q }} icon="download">
              Look for {q} on the Hub
            </ButtonLink>
          )}
        </>
      }
    >
      {q !== undefined && <>Neither name nor repository has “{q}” in it</>}
      {q !== undefined && status !== undefined && <>, or none is {status}</>}
      {q === undefined && <>None is {status}</>}.
    </EmptyState>
  );
}
