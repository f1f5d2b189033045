// A volume that is really full: a small tmpfs. Needs root, to mount it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { card, openPanel } from '../pages/panel';
import { Api } from '../stage/api';
import { Platform } from '../stage/platform';
import { ENGLISH } from '../stage/repositories';
import { expect, test as base } from '../stage/test';

/** Enough for all rows and one file of them, as long as nothing else lies there. */
const SIZE = '8m';

function mount(folder: string): boolean {
  mkdirSync(folder, { recursive: true });
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', folder]).status === 0;
}

const unmount = (folder: string) => spawnSync('umount', ['--lazy', folder]);

function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'tokenmill-mount-'));
  const mounted = mount(folder);
  if (mounted) unmount(folder);
  rmSync(folder, { recursive: true });
  return mounted;
}

/** The stack's own volume is full in these tests; database and bus lie elsewhere. */
const test = base.extend<object, { volume: string }>({
  stackName: ['full', { scope: 'worker' }],
  volume: [
    async ({ stage }, use) => {
      const volume = join(stage.folder, 'volume');
      mount(volume);
      try {
        await use(volume);
      } finally {
        unmount(volume);
      }
    },
    { scope: 'worker' },
  ],
  stack: [
    async ({ stage, volume }, use) => {
      const { database, nats } = await stage.hub.servers();
      const settings = { DATABASE_URL: database, NATS_URL: nats, TOKENMILL_INGESTION__SLOTS: '1' };
      const platform = await Platform.start(stage.hub, volume, stage.logs, settings);
      try {
        await use({ ...stage, platform, api: new Api(platform.url) });
      } finally {
        await platform.up.stop();
      }
    },
    { scope: 'worker', timeout: 180_000 },
  ],
});

// Decided before any fixture starts.
test.skip(!canMount(), 'no small volume can be mounted here; run it as root');

test('a full disk says how much is needed, and a retry goes on once there is room', async ({
  page,
  stack,
  volume,
}) => {
  const { api, hub } = stack;
  const { id, name } = await api.create(ENGLISH, 'too much');
  const ballast = join(volume, 'ballast');
  writeFileSync(ballast, '');
  await hub.throttle(1 << 20);
  await openPanel(page);
  const failed = card(page, name);
  await failed.getByRole('button', { name: 'Download', exact: true }).click();
  // Something else takes the room away only after the plan has seen it.
  await expect.poll(() => hub.bytesSent(), { intervals: [20], timeout: 60_000 }).toBeGreaterThan(64 << 10);
  writeFileSync(ballast, Buffer.alloc(6 << 20));
  await hub.throttle(null);
  await expect(failed.getByText(/failed/i).first()).toBeVisible({ timeout: 60_000 });
  const { error } = await api.dataset(id);
  if (error?.reason !== 'DISK_FULL') throw new Error(JSON.stringify(error));
  await expect(failed).toContainText(error.next_step ?? 'a next step');
  await page.goto(`/datasets/${id}/overview`);
  const alert = page.getByRole('alert').first();
  for (const part of [error.detail, error.next_step ?? 'a next step'])
    await expect(alert).toContainText(part);

  rmSync(ballast);
  await openPanel(page);
  await failed.getByRole('button', { name: /^(Retry|Resume)$/ }).click();
  await expect(failed.getByText(/ready/i).first()).toBeVisible({ timeout: 60_000 });
});
