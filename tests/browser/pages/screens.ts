// Every screen of the UI with its address, and what is on it when it is there: the list for axe, for narrow windows and
// for the pictures.
import { join } from 'node:path';
import { expect, type Page } from '@playwright/test';
import { BERT, bytesPath, ENGLISH, GATED, GPT2, GRANTED, SLOW, STORY, UNKNOWN } from '../stage/repositories';
import type { Stack } from '../stage/test';
import { card, downloadBar, preview, searchBox } from './panel';

export interface World {
  story: string;
  first: string;
  second: string;
}

export interface Screen {
  name: string;
  /** It shows a download under way: see {@link downloading}. */
  isLive?: true;
  /** Goes there and waits until it is drawn. */
  open: (page: Page, world: World) => Promise<void>;
}

/** Datasets in every state, so that each screen has something to show. */
export async function furnish({ api, hub }: Stack): Promise<World> {
  const story = (await api.ingest(STORY, STORY)).id;
  const first = await api.tokenize(story, BERT);
  const second = await api.tokenize(story, GPT2, { max_length: 256, stride: 0, filter_stop_words: false });
  await hub.gate(GATED, GRANTED);
  const gated = await api.create(GATED, 'not for everybody');
  await api.download(gated.id);
  await api.create(ENGLISH, 'not downloaded');
  await expect.poll(async () => (await api.dataset(gated.id)).status).toBe('failed');
  return { story, first, second };
}

/** A download that stays in its middle for as long as a test looks at it. */
export async function downloading({ api, hub, folder }: Stack): Promise<void> {
  const name = 'under way';
  const before = await api.find(name).catch(() => undefined);
  if (before) await api.call('DELETE', `/datasets/${before.id}`);
  await hub.fail(bytesPath(join(folder, 'hub'), SLOW), { stall_after: 400_000 });
  const from = (await hub.requests()).length;
  await api.download((await api.create(SLOW, name)).id);
  await expect.poll(() => hub.bytesSent(from), { timeout: 60_000 }).toBeGreaterThan(100_000);
}

const main = (page: Page) => page.getByRole('main');

async function goTo(page: Page, path: string, drawn: RegExp | string): Promise<void> {
  await page.goto(path);
  await expect(main(page)).toContainText(drawn);
  // What stands in for content that is on its way is no screen.
  await expect(page.locator('[data-skeleton]')).toHaveCount(0);
}

const tab = (name: string, drawn: RegExp | string, search = ''): Screen => ({
  name: `dataset-${name}${search.replace(/\W+/g, '-')}`,
  open: (page, { story }) => goTo(page, `/datasets/${story}/${name}${search}`, drawn),
});

export const EMPTY_PANEL: Screen = {
  name: 'panel-empty',
  open: async (page) => {
    await page.goto('/');
    await expect(main(page)).toContainText(/tokenmill dataset|upload|drop/i);
  },
};

export const SCREENS: Screen[] = [
  {
    name: 'panel',
    isLive: true,
    open: async (page) => {
      await page.goto('/');
      await expect(card(page, STORY)).toBeVisible();
      await expect(downloadBar(page, 'under way')).toHaveAttribute('aria-valuenow', /[1-9]/);
    },
  },
  {
    name: 'panel-nothing-found',
    open: async (page) => {
      await page.goto('/?q=no-such-dataset');
      await expect(searchBox(page)).toHaveValue('no-such-dataset');
      await expect(page.getByRole('article')).toHaveCount(0);
    },
  },
  {
    name: 'panel-delete',
    open: async (page) => {
      await page.goto('/');
      await card(page, STORY).getByRole('button', { name: 'Delete', exact: true }).click();
      await expect(page.getByRole('alertdialog')).toBeVisible();
    },
  },
  {
    name: 'add',
    open: async (page) => {
      await page.goto('/add');
      await expect(page.getByLabel('Repository', { exact: true })).toBeVisible();
    },
  },
  {
    name: 'add-preview',
    open: async (page) => {
      await preview(page, STORY);
      await expect(page.getByRole('region', { name: 'Preview', exact: true })).toContainText('validation');
    },
  },
  {
    name: 'add-unknown',
    open: async (page) => {
      await preview(page, UNKNOWN);
      await expect(page.getByRole('alert').first()).toBeVisible();
    },
  },
  tab('overview', 'messages'),
  tab('samples', 'not bold'),
  tab('samples', 'You know the documentation', '?view=chat'),
  tab('samples', /\d rows/, '?view=tokens'),
  {
    name: 'dataset-samples-row',
    open: async (page, { story }) => {
      await page.goto(`/datasets/${story}/samples?row=1`);
      await expect(page.getByRole('dialog')).toBeVisible();
    },
  },
  tab('tokenizations', GPT2),
  tab('statistics', 'Vocabulary'),
  tab('activity', 'Finish'),
  tab('use', 'pyarrow'),
  {
    name: 'dataset-failed',
    open: async (page) => {
      await page.goto('/?q=everybody');
      await card(page, 'not for everybody')
        .getByRole('link', { name: 'not for everybody', exact: true })
        .click();
      await expect(page.getByRole('alert').first()).toBeVisible();
    },
  },
  {
    name: 'compare',
    open: async (page, { story, first, second }) => {
      await page.goto(`/datasets/${story}/compare?a=${first}&b=${second}`);
      await expect(page.getByRole('region', { name: /^B: / })).toContainText(/tokens differ/);
    },
  },
  { name: 'jobs', open: (page) => goTo(page, '/jobs', 'not for everybody') },
  { name: 'not-found', open: (page) => goTo(page, '/no/such/page', /not found|no such|nothing/i) },
];

/** Refusals that these screens provoke on purpose, as Chromium reports them. */
export const PROVOKED = /status of (403|404)/;
