// The fixtures of all tests: a stack of real programs for each worker, and a page that is watched.
//
// A worker ends with its first failure, so each failure leaves the next test a stack that nothing happened to.
import { test as base, expect } from '@playwright/test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Api } from './api';
import { Hub } from './hub';
import { Platform, type Settings } from './platform';
import { writeRepositories } from './repositories';
import { Watch } from './watch';

export interface Stack {
  hub: Hub;
  platform: Platform;
  api: Api;
  /** A folder that goes with the stack. */
  folder: string;
  logs: string;
}

interface WorkerFixtures {
  /** Tests that name another stack get one of their own. */
  stackName: string;
  settings: Settings;
  stage: { hub: Hub; folder: string; logs: string };
  stack: Stack;
}

interface TestFixtures {
  watch: Watch;
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  stackName: ['main', { scope: 'worker', option: true }],
  settings: [{}, { scope: 'worker', option: true }],

  stage: [
    async ({ stackName }, use, { workerIndex }) => {
      const folder = mkdtempSync(join(tmpdir(), 'tokenmill-browser-'));
      const logs = join(import.meta.dirname, '../results/logs', `${workerIndex}-${stackName}`);
      writeRepositories(join(folder, 'hub'));
      const hub = await Hub.start(join(folder, 'hub'), join(logs, 'hub.log'));
      try {
        await use({ hub, folder, logs });
      } finally {
        await hub.program.stop();
        rmSync(folder, { recursive: true, force: true });
      }
    },
    { scope: 'worker', timeout: 120_000 },
  ],

  stack: [
    async ({ stage, settings }, use) => {
      const platform = await Platform.start(stage.hub, join(stage.folder, 'data'), stage.logs, settings);
      try {
        await use({ ...stage, platform, api: new Api(platform.url) });
      } finally {
        await platform.up.stop();
      }
    },
    { scope: 'worker', timeout: 180_000 },
  ],

  baseURL: async ({ stack }, use) => use(stack.platform.url),

  watch: [
    async ({ page, stack }, use) => {
      const watch = new Watch();
      await watch.follow(page, stack.platform.url);
      await use(watch);
      await stack.hub.clear();
      expect(watch.complaints()).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };
