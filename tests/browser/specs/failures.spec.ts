// Each failure that a user can meet says on the screen what happened, why, and what to do next; and what was cancelled
// goes on by a click.
import type { Page } from '@playwright/test';
import { card, downloadBar, openPanel, preview } from '../pages/panel';
import { fillTokenization, openTab } from '../pages/dataset';
import type { Problem } from '../stage/api';
import { ENGLISH, GATED, GRANTED, UNKNOWN, UNSUPPORTED } from '../stage/repositories';
import { expect, test } from '../stage/test';

/** A headline, the reason and the next step, in the words of the server. */
async function showsProblem(page: Page, problem: Problem): Promise<void> {
  const alert = page.getByRole('alert').filter({ hasText: problem.detail }).first();
  await expect(alert).toBeVisible();
  expect(problem.next_step, 'the server knows a next step').toBeTruthy();
  await expect(alert).toContainText(problem.next_step ?? '');
  const headline = (await alert.innerText()).split('\n')[0];
  expect(headline, 'what happened stands before why').not.toContain(problem.detail);
}

/** The problem that the next refused request to `path` gives. */
async function refusal(page: Page, path: RegExp, act: () => Promise<void>): Promise<Problem> {
  const answer = page.waitForResponse((response) => path.test(response.url()) && response.status() >= 400);
  await act();
  return (await answer).json() as Promise<Problem>;
}

test('a gated repository says where to ask, and a token opens it', async ({ page, stack, watch }) => {
  watch.expectError(/status of 403/);
  await stack.hub.gate(GATED, GRANTED);
  const problem = await refusal(page, /\/hub\/datasets\//, () => preview(page, GATED));
  expect(problem.reason).toBe('HUB_GATED');
  await showsProblem(page, problem);
  await expect(
    page.getByRole('main').getByRole('link', { name: new RegExp(`/datasets/${GATED}`) }),
  ).toBeVisible();

  const token = page.getByLabel('Hugging Face token', { exact: true });
  await expect(token).toHaveAttribute('type', 'password');
  await token.fill(GRANTED);
  await page.getByRole('button', { name: 'Download', exact: true }).click();
  await expect
    .poll(() =>
      stack.api.find(GATED).then(
        ({ status }) => status,
        () => 'none',
      ),
    )
    .toBe('ready');
  const stored = await page.evaluate(() =>
    JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]),
  );
  expect(stored).not.toContain(GRANTED);
});

test('an unknown repository is told from one that is private', async ({ page, watch }) => {
  watch.expectError(/status of 404/);
  const problem = await refusal(page, /\/hub\/datasets\//, () => preview(page, UNKNOWN));
  expect(problem.reason).toBe('HUB_REPO_NOT_FOUND');
  await showsProblem(page, problem);
});

test('bytes that are not what the Hub declared fail the download, and a retry mends it', async ({
  page,
  stack,
}) => {
  const { api, hub } = stack;
  const { id, name } = await api.create(ENGLISH, 'damaged');
  await hub.fail('/lfs/', { damage: { how: 'flip', at: 0 } });
  await openPanel(page);
  const failed = card(page, name);
  await failed.getByRole('button', { name: 'Download', exact: true }).click();
  await expect(failed.getByText(/failed/i).first()).toBeVisible({ timeout: 90_000 });
  const { error } = await api.dataset(id);
  if (error?.reason !== 'CHECKSUM_MISMATCH') throw new Error(JSON.stringify(error));
  await page.goto(`/datasets/${id}/overview`);
  await showsProblem(page, error);

  await hub.clear();
  await openPanel(page);
  await failed.getByRole('button', { name: /^(Retry|Resume)$/ }).click();
  await expect(failed.getByText(/ready/i).first()).toBeVisible({ timeout: 90_000 });
});

test('a tokenizer that is not supported is refused in the form', async ({ page, stack, watch }) => {
  // Also for the tokenizer that the form begins with, which this Hub does not have.
  watch.expectError(/status of (404|422)/);
  const { id } = await stack.api.ingest(ENGLISH, 'for an odd tokenizer');
  await page.goto(`/datasets/${id}/tokenizations`);
  await openTab(page, 'Tokenizations');
  await fillTokenization(page, { tokenizer: UNSUPPORTED });
  const problem = await refusal(page, /\/(tokenize|tokenize\/preview)$/, () =>
    page.getByRole('button', { name: 'Tokenize', exact: true }).click(),
  );
  expect(problem.reason).toBe('TOKENIZER_UNSUPPORTED');
  await showsProblem(page, problem);
});

test('a download is cancelled by a click, says so, and goes on where it was', async ({ page, stack }) => {
  const { api, hub } = stack;
  const { id, name } = await api.create(ENGLISH, 'cancelled');
  const from = (await hub.requests()).length;
  await hub.throttle(300_000);
  await openPanel(page);
  await card(page, name).getByRole('button', { name: 'Download', exact: true }).click();
  await expect(downloadBar(page, name)).toBeVisible();
  await expect.poll(() => hub.bytesSent(from), { timeout: 60_000 }).toBeGreaterThan(300_000);
  await card(page, name).getByRole('button', { name: 'Cancel', exact: true }).click();
  await expect(downloadBar(page, name)).toBeHidden();
  await expect(card(page, name)).toContainText(/cancelled/i);
  expect((await api.dataset(id)).status).toBe('pending');

  const before = (await hub.requests()).length;
  await hub.throttle(null);
  await card(page, name).getByRole('button', { name: 'Resume', exact: true }).click();
  await expect(card(page, name).getByText(/ready/i).first()).toBeVisible({ timeout: 60_000 });
  const resumed = (await hub.requests(before)).filter(
    ({ range, status }) => range !== null && status === 206,
  );
  expect(resumed.length, 'files that went on in their middle').toBeGreaterThan(0);
});

test('a transfer that stands still is said to be stalled', async ({ page, stack }) => {
  const { api, hub } = stack;
  const { name, id } = await api.create(ENGLISH, 'interrupted');
  await hub.fail('/lfs/', { stall_after: 200_000 });
  await openPanel(page);
  await card(page, name).getByRole('button', { name: 'Download', exact: true }).click();
  await expect(downloadBar(page, name)).toBeVisible();
  await expect(card(page, name)).toContainText(/stalled/i, { timeout: 40_000 });
  await hub.clear();
  await api.until(id, ({ status }) => status === 'ready');
  await expect(card(page, name)).not.toContainText(/stalled/i);
});
