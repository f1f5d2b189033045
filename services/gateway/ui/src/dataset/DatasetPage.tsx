// The page of one dataset: what it is, what can be done with it, and its tabs, each with an address of its own.
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useRef, type ComponentType } from 'react';
import { PendingPage } from '../app/PendingPage';
import { datasetQuery } from '../api/queries';
import { shortCommit } from '../format';
import { useDatasetFeed } from '../live/useDatasetFeed';
import { DATASET_TABS, type DatasetTab } from '../router';
import { Button, Card, Icon, PageHeader, Problem, StatusBadge, Tab, TabList, Tabs } from '../ui';
import { CardActions } from '../panel/CardActions';
import { isLive, LiveArea } from '../panel/LiveArea';
import type { Dataset } from './queries';
import { useLeaveWhenDeleted } from './useLeaveWhenDeleted';

const OverviewTab = lazy(() => import('./overview/OverviewTab'));
const SamplesTab = lazy(() => import('./samples/SamplesTab'));
const TokenizationsTab = lazy(() => import('./tokenizations/TokenizationsTab'));
const StatisticsTab = lazy(() => import('../statistics/StatisticsTab'));
const ActivityTab = lazy(() => import('./activity/ActivityTab'));
const UseTab = lazy(() => import('./use/UseTab'));

const TABS: Record<DatasetTab, { word: string; Content: ComponentType<{ dataset: Dataset }> }> = {
  overview: { word: 'Overview', Content: OverviewTab },
  samples: { word: 'Samples', Content: SamplesTab },
  tokenizations: { word: 'Tokenizations', Content: TokenizationsTab },
  statistics: { word: 'Statistics', Content: StatisticsTab },
  activity: { word: 'Activity', Content: ActivityTab },
  use: { word: 'Use it', Content: UseTab },
};

export default function DatasetPage() {
  const { id, tab } = useParams({ from: '/datasets/$id/$tab' });
  const navigate = useNavigate();
  const query = useQuery(datasetQuery(id));
  useDatasetFeed(id);
  const tabs = useShownTab(tab, query.data !== undefined);
  useLeaveWhenDeleted(id, query.data?.name);
  if (query.error) return <NoDataset error={query.error} onRetry={() => void query.refetch()} />;
  if (!query.data) return <PendingPage />;
  const dataset = query.data;
  // The tab of the tokenizations shows their progress itself.
  const showsProgress = isLive(dataset) && (tab !== 'tokenizations' || dataset.status === 'downloading');
  return (
    <>
      <PageHeader title={<bdi>{dataset.name}</bdi>} actions={<CardActions dataset={dataset} />}>
        <span className="flex flex-wrap items-center gap-2">
          <StatusBadge status={dataset.status} />
          {dataset.source === 'upload' ? (
            'Uploaded files'
          ) : (
            <bdi>
              {dataset.repo_id}@
              {dataset.commit_sha ? shortCommit(dataset.commit_sha) : (dataset.revision ?? 'default branch')}
            </bdi>
          )}
        </span>
      </PageHeader>
      {showsProgress && (
        <Card className="mb-5 max-w-2xl p-4">
          <LiveArea dataset={dataset} visible />
        </Card>
      )}
      <Tabs.Root
        ref={tabs}
        value={tab}
        onValueChange={(next) =>
          void navigate({ to: '/datasets/$id/$tab', params: { id, tab: next as DatasetTab }, search: {} })
        }
      >
        <TabList label="Dataset">
          {DATASET_TABS.map((one) => (
            <Tab key={one} value={one}>
              {TABS[one].word}
            </Tab>
          ))}
        </TabList>
        {DATASET_TABS.map((one) => (
          <Tabs.Content key={one} value={one} className="pt-5">
            <TabContent tab={one} dataset={dataset} />
          </Tabs.Content>
        ))}
      </Tabs.Root>
    </>
  );
}

/** On a phone the row of tabs is wider than the page: the chosen one is scrolled into view. */
function useShownTab(tab: DatasetTab, isThere: boolean) {
  const tabs = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const chosen = tabs.current?.querySelector('[role="tab"][aria-selected="true"]');
    chosen?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [tab, isThere]);
  return tabs;
}

function TabContent({ tab, dataset }: { tab: DatasetTab; dataset: Dataset }) {
  const { Content } = TABS[tab];
  return (
    <Suspense fallback={<PendingPage />}>
      <Content dataset={dataset} />
    </Suspense>
  );
}

function NoDataset({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  return (
    <>
      <PageHeader title="Dataset" />
      <Problem
        problem={error}
        title="This dataset cannot be shown"
        actions={<Button onClick={onRetry}>Try again</Button>}
      />
      <p className="mt-4 text-sm">
        <Link to="/" className="inline-flex items-center gap-1 text-accent-text underline">
          <Icon name="arrowLeft" size={14} /> All datasets
        </Link>
      </p>
    </>
  );
}
