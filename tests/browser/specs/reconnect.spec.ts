// The gateway is killed while a download runs, and comes back: the page says so, catches up by itself, and misses nothing.
import { banner, card, searchBox } from '../pages/panel';
import { Frames, numbersSoFar } from '../stage/events';
import { freeAddresses } from '../stage/ports';
import { ENGLISH } from '../stage/repositories';
import { expect, test } from '../stage/test';

test('a page outlives its gateway', async ({ page, stack, watch }) => {
  const { api, hub, platform } = stack;
  const [address = ''] = await freeAddresses(1);
  watch.alsoFrom(address);
  watch.expectError(/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|WebSocket/);
  const frames = new Frames(page);
  let gateway = await platform.gateway(address);
  try {
    const { id, name } = await api.create(ENGLISH, 'watched');
    await hub.throttle(200_000);
    const from = (await hub.requests()).length;
    await page.goto(`http://${address}/datasets/${id}/overview`);
    await expect(banner(page)).toContainText(/^\s*Live/);
    await page.evaluate(() => Object.assign(window, { stays: true }));
    await api.download(id);
    await expect
      .poll(() => frames.of(id).filter(({ event }) => event === 'download_progress').length)
      .toBeGreaterThan(2);

    await gateway.kill();
    await expect(banner(page)).toContainText(/^\s*(Reconnecting|Stale since)/);
    // What the page must catch up with: it is cancelled and goes on meanwhile, each of them a numbered event.
    await api.call('POST', `/datasets/${id}/cancel`, {});
    await api.download(id);
    const missed = Math.max(...(await numbersSoFar(platform.url, id)));
    expect(Math.max(0, ...frames.numbers(id))).toBeLessThan(missed);

    gateway = await platform.gateway(address);
    await expect(banner(page)).toContainText(/^\s*Live/, { timeout: 60_000 });
    await expect.poll(() => frames.numbers(id).at(-1) ?? 0).toBeGreaterThanOrEqual(missed);
    const bytes = await hub.bytesSent(from);
    await expect.poll(() => hub.bytesSent(from), { timeout: 60_000 }).toBeGreaterThan(bytes);
    await hub.throttle(null);
    await api.until(id, ({ status }) => status === 'ready');
    await expect(page.getByRole('main')).toContainText(/ready/i);
    expect(await page.evaluate(() => 'stays' in window), 'the page was not loaded again').toBe(true);

    const all = await numbersSoFar(platform.url, id);
    const began = frames.began(id) ?? 0;
    await expect.poll(() => [...new Set(frames.numbers(id))]).toEqual(all.filter((seq) => seq > began));
    expect(frames.sockets, 'one socket before and at least one after').toBeGreaterThanOrEqual(2);
    console.log(
      `events ${began + 1} to ${all.at(-1)} came over ${frames.sockets} sockets, ${missed} while it was down`,
    );

    await page
      .getByRole('link', { name: /datasets/i })
      .first()
      .click();
    await expect(searchBox(page)).toBeVisible();
    await expect(card(page, name)).toContainText(/ready/i);
  } finally {
    await gateway.stop();
  }
});

test('a page whose worker cannot be loaded tries again', async ({ page, watch }) => {
  watch.expectError(/ERR_FAILED/);
  let refused = 0;
  await page.route(/\/assets\/background-/, (route) => {
    refused += 1;
    return refused <= 2 ? route.abort() : route.continue();
  });
  await page.goto('/');
  await expect(banner(page)).toContainText(/^\s*Live/);
  expect(refused).toBe(3);
});
