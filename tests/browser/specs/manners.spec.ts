// How the pages behave whatever they show: accessible, narrow, by keyboard, small, and within a strict policy.
import { gzipSync } from 'node:zlib';
import AxeBuilder from '@axe-core/playwright';
import type { Locator, Page } from '@playwright/test';
import { banner, card, openPanel, searchBox } from '../pages/panel';
import { downloading, furnish, PROVOKED, SCREENS, type World } from '../pages/screens';
import { BERT, ENGLISH } from '../stage/repositories';
import { expect, test as base } from '../stage/test';

const INITIAL_JS_BYTES = 250_000;
const PHONE = { width: 390, height: 844 };

const test = base.extend<object, { world: World }>({
  stackName: ['manners', { scope: 'worker' }],
  world: [async ({ stack }, use) => use(await furnish(stack)), { scope: 'worker', timeout: 180_000 }],
});

/** What axe finds, each with where and why. */
async function violations(page: Page): Promise<object[]> {
  const { violations: found } = await new AxeBuilder({ page }).analyze();
  return found.map(({ id, help, nodes }) => ({
    rule: `${id}: ${help}`,
    where: nodes.slice(0, 3).map(({ target, failureSummary }) => `${target.join(' ')} — ${failureSummary}`),
  }));
}

/** What reaches beyond the right edge of the window; empty when nothing has to be scrolled to. */
function tooWide(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const root = document.documentElement;
    if (root.scrollWidth <= innerWidth) return [];
    const beyond = [...document.querySelectorAll('body *')].filter(
      (one) => one.getBoundingClientRect().right > innerWidth + 1,
    );
    return [`${root.scrollWidth} px`, ...beyond.slice(-3).map((one) => one.outerHTML.slice(0, 120))];
  });
}

for (const screen of SCREENS) {
  test(`${screen.name}: axe in both themes, and a phone`, async ({ page, stack, world, watch }) => {
    watch.expectError(PROVOKED);
    if (screen.isLive) await downloading(stack);
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    await screen.open(page, world);
    expect.soft(await violations(page), 'in the light').toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
    expect.soft(await violations(page), 'in the dark').toEqual([]);
    await page.setViewportSize(PHONE);
    await screen.open(page, world);
    expect.soft(await tooWide(page), 'on a phone').toEqual([]);
    expect.soft(await violations(page), 'on a phone').toEqual([]);
  });
}

/** Moves on with the tab key until the element has the focus, and asserts that the focus can be seen. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  await expect(target).toBeVisible();
  for (let presses = 0; presses < 120; presses++) {
    if (await target.evaluate((one) => one === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`${target.toString()} cannot be reached with the tab key`);
}

test('the main flow by keyboard alone', async ({ page, stack, watch }) => {
  test.setTimeout(240_000);
  // Names are previewed while they are typed.
  watch.expectError(/tokenize\/preview/);
  const name = 'by keyboard';
  const { id } = await stack.api.create(ENGLISH, name);
  await openPanel(page);
  await page.keyboard.press('/');
  await expect(searchBox(page)).toBeFocused();
  await page.keyboard.type('keyboard');
  await expect(page.getByRole('article')).toHaveCount(1);
  await tabTo(page, card(page, name).getByRole('button', { name: 'Download', exact: true }));
  await page.keyboard.press('Enter');
  await stack.api.until(id, ({ status }) => status === 'ready');
  await expect(card(page, name).getByText(/ready/i).first()).toBeVisible();
  await page.getByRole('link', { name: 'Skip to the content' }).focus();
  await tabTo(page, card(page, name).getByRole('link', { name, exact: true }));
  await page.keyboard.press('Enter');

  await tabTo(page, page.getByRole('tab', { name: 'Overview', exact: true }));
  for (const name of ['Samples', 'Tokenizations']) {
    await page.keyboard.press('ArrowRight');
    await expect(page.getByRole('tab', { name, exact: true })).toHaveAttribute('aria-selected', 'true');
    await expect(page.getByRole('tab', { name, exact: true })).toBeFocused();
  }
  await tabTo(page, page.getByLabel('Tokenizer', { exact: true }));
  await page.keyboard.type(BERT);
  await tabTo(page, page.getByRole('button', { name: 'Tokenize', exact: true }));
  await page.keyboard.press('Enter');
  await stack.api.until(id, ({ tokenizations }) => tokenizations.some(({ status }) => status === 'ready'));

  await tabTo(page, page.getByRole('tab', { name: 'Tokenizations', exact: true }));
  await page.keyboard.press('ArrowLeft');
  const grid = page.getByRole('grid').first();
  await tabTo(page, grid);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  const drawer = page.getByRole('dialog');
  await expect(drawer).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(drawer).toBeHidden();
  await expect(grid).toBeFocused();

  await openPanel(page);
  const remove = card(page, name).getByRole('button', { name: 'Delete', exact: true });
  await tabTo(page, remove);
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('alertdialog', { name: `Delete ${name}?` });
  await expect(dialog).toBeVisible();
  // Focus stays inside, and goes back to where it came from.
  for (let n = 0; n < 6; n++) {
    await page.keyboard.press('Tab');
    expect(await dialog.evaluate((one) => one.contains(document.activeElement))).toBe(true);
  }
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(remove).toBeFocused();
  await page.keyboard.press('Enter');
  await tabTo(page, dialog.getByRole('button', { name: 'Delete dataset', exact: true }));
  await page.keyboard.press('Enter');
  await expect(card(page, name)).toHaveCount(0);
});

test('a strict policy, and a small first load', async ({ page, stack, watch }) => {
  const scripts: Promise<[string, number]>[] = [];
  page.on('response', (response) => {
    if (response.request().resourceType() !== 'script') return;
    scripts.push(response.body().then((body) => [new URL(response.url()).pathname, gzipSync(body).length]));
  });
  const answer = await page.goto('/');
  const policy = answer?.headers()['content-security-policy'] ?? '';
  const rules = new Map(policy.split(';').map((rule) => rule.trim().split(/ (.*)/s, 2) as [string, string]));
  const ruling = (name: string) => rules.get(name) ?? rules.get('default-src');
  for (const name of ['script-src', 'style-src', 'connect-src', 'font-src'])
    expect(ruling(name), name).toBe("'self'");
  for (const name of ['object-src', 'frame-src']) expect(ruling(name), name).toBe("'none'");
  // These two do not fall back to `default-src`.
  for (const name of ['base-uri', 'frame-ancestors']) expect(rules.get(name), name).toBe("'none'");
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
  expect(answer?.headers()['x-content-type-options']).toBe('nosniff');
  await expect(searchBox(page)).toBeVisible();
  await expect(banner(page)).toContainText(/^\s*Live/);
  const loaded = await Promise.all(scripts);
  const total = loaded.reduce((sum, [, size]) => sum + size, 0);
  console.log(`first load: ${loaded.length} scripts, ${(total / 1000).toFixed(1)} kB gzip`);
  expect(loaded.length).toBeGreaterThan(0);
  expect(total).toBeLessThanOrEqual(INITIAL_JS_BYTES);
  // An inline script or style in the document would be refused; the policy must say so, and the page must not try.
  await page.evaluate(() => {
    const style = document.createElement('style');
    style.textContent = 'body{outline:3px solid red}';
    document.head.append(style);
  });
  expect(await page.evaluate(() => getComputedStyle(document.body).outlineStyle)).toBe('none');
  watch.expectError(/policy: style-src-elem refused inline|Content Security Policy.*style/);
  expect(watch.requests.filter((address) => !address.includes(new URL(stack.platform.url).host))).toEqual([]);
});

test('those who listen hear of it, and not too often', async ({ page, stack }) => {
  const { api, hub } = stack;
  // Some seconds each: what is over before its card is drawn is not announced.
  await hub.throttle(500_000);
  await openPanel(page);
  await expect(banner(page)).toContainText(/^\s*Live/);
  const heard = await page.evaluate(() => {
    const texts: { at: number; text: string }[] = [];
    Object.assign(window, { heard: texts });
    const region = document.querySelector('[aria-live="polite"]');
    if (!region) return 'no polite live region';
    new MutationObserver(() => {
      const text = region.textContent.trim();
      if (text !== '' && text !== texts.at(-1)?.text) texts.push({ at: performance.now(), text });
    }).observe(region, { childList: true, subtree: true, characterData: true });
    return 'listening';
  });
  expect(heard).toBe('listening');
  for (const name of ['heard 1', 'heard 2', 'heard 3']) await api.ingest(ENGLISH, name);
  const texts = () =>
    page.evaluate(() => (window as unknown as { heard: { at: number; text: string }[] }).heard);
  await expect.poll(async () => (await texts()).length, { timeout: 30_000 }).toBeGreaterThanOrEqual(2);
  const times = (await texts()).map(({ at }) => at);
  console.log(`announced: ${(await texts()).map(({ text }) => text).join(' | ')}`);
  for (const [n, at] of times.slice(1).entries()) expect(at - (times[n] ?? 0)).toBeGreaterThan(9_500);
});
