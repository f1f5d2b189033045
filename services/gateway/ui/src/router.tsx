// The routes, and what of each screen's state is in the address.
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
  type ErrorComponentProps,
} from '@tanstack/react-router';
import { CrashPage, NotFoundPage } from './app/FailurePages';
import { Shell } from './app/Shell';
import { PendingPage } from './app/PendingPage';
import { addSearch, compareSearch, datasetsSearch, jobsSearch } from './search';

/** The tabs of a dataset, in their order. */
export const DATASET_TABS = [
  'overview',
  'samples',
  'tokenizations',
  'statistics',
  'activity',
  'use',
] as const;
export type DatasetTab = (typeof DATASET_TABS)[number];

const root = createRootRoute({ component: Shell, notFoundComponent: NotFoundPage });

const panel = createRoute({
  getParentRoute: () => root,
  path: '/',
  validateSearch: datasetsSearch,
  component: lazyRouteComponent(() => import('./panel/DatasetsPanel'), 'DatasetsPanel'),
});

const add = createRoute({
  getParentRoute: () => root,
  path: '/add',
  validateSearch: addSearch,
  component: lazyRouteComponent(() => import('./add/AddPage'), 'AddPage'),
});

const dataset = createRoute({
  getParentRoute: () => root,
  path: '/datasets/$id',
  beforeLoad: ({ params }) => {
    throw redirect({ to: '/datasets/$id/$tab', params: { ...params, tab: 'overview' }, replace: true });
  },
});

const compare = createRoute({
  getParentRoute: () => root,
  path: '/datasets/$id/compare',
  validateSearch: compareSearch,
  component: lazyRouteComponent(() => import('./compare/ComparePage')),
});

const datasetTab = createRoute({
  getParentRoute: () => root,
  path: '/datasets/$id/$tab',
  params: {
    parse: ({ id, tab }) => ({ id, tab: DATASET_TABS.find((one) => one === tab) ?? 'overview' }),
    stringify: (params) => params,
  },
  // Each tab reads and checks its own part: see dataset/useTabSearch.
  validateSearch: (search: Record<string, unknown>) => search,
  component: lazyRouteComponent(() => import('./dataset/DatasetPage')),
});

const jobs = createRoute({
  getParentRoute: () => root,
  path: '/jobs',
  validateSearch: jobsSearch,
  component: lazyRouteComponent(() => import('./jobs/JobsPage'), 'JobsPage'),
});

export const routeTree = root.addChildren([panel, add, dataset, compare, datasetTab, jobs]);

export const router = createRouter({
  routeTree,
  defaultPreload: 'intent',
  defaultPendingMs: 150,
  defaultPendingComponent: PendingPage,
  defaultErrorComponent: ({ error, reset }: ErrorComponentProps) => (
    <CrashPage error={error} onRetry={reset} />
  ),
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
