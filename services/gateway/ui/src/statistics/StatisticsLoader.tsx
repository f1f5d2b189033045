// Fetches the statistics of a tokenization and shows them, or why they are not there.
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Tokenization } from '../api/client';
import { Button, Problem, Skeleton } from '../ui';
import { exportJson } from './exportJson';
import { statisticsOf } from './queries';
import { StatisticsView } from './StatisticsView';

interface StatisticsLoaderProps {
  tokenization: Tokenization;
  datasetName: string;
  /** What stands above; it gets the button that exports. */
  children: (exportButton: ReactNode) => ReactNode;
}

export function StatisticsLoader({ tokenization, datasetName, children }: StatisticsLoaderProps) {
  const query = useQuery(statisticsOf(tokenization.dataset_id, tokenization.id));
  const exported = () => exportJson(`statistics ${datasetName} ${tokenization.tokenizer_name}`, query.data);
  return (
    <>
      {children(
        <Button icon="download" disabled={!query.data} onClick={exported}>
          Export JSON
        </Button>,
      )}
      {query.error ? (
        <Problem
          problem={query.error}
          title="No statistics"
          actions={<Button onClick={() => void query.refetch()}>Try again</Button>}
        />
      ) : query.data ? (
        <StatisticsView statistics={query.data} maxLength={tokenization.max_length} />
      ) : (
        <div aria-busy="true">
          <Skeleton className="h-96" />
        </div>
      )}
    </>
  );
}
