// The page of one dataset, by its accessible names.
import { expect, type Locator, type Page } from '@playwright/test';

export type Tab = 'Overview' | 'Samples' | 'Tokenizations' | 'Statistics' | 'Activity' | 'Use it';

export async function openTab(page: Page, name: Tab): Promise<void> {
  const tab = page.getByRole('tab', { name, exact: true });
  await tab.click();
  await expect(tab).toHaveAttribute('aria-selected', 'true');
}

export const chart = (page: Page, name: string): Locator =>
  page
    .getByRole('figure', { name, exact: true })
    .or(page.getByRole('img', { name, exact: true }))
    .first();

/** The numbers of a column of the table behind a chart. */
export async function chartColumn(page: Page, name: string, column: number): Promise<number[]> {
  const figure = chart(page, name);
  await figure.getByText(`${name} as a table`).click();
  const cells = await figure.locator(`tbody td:nth-child(${column})`).allInnerTexts();
  return cells.map((text) => Number(text.replaceAll(',', '')));
}

/** One of the three ways to look at rows. */
export async function chooseView(page: Page, name: 'Raw' | 'Chat' | 'Tokens'): Promise<void> {
  const group = page
    .getByRole('radiogroup', { name: 'View' })
    .or(page.getByRole('tablist', { name: 'View' }));
  const choice = group
    .getByRole('radio', { name, exact: true })
    .or(group.getByRole('tab', { name, exact: true }));
  await choice.click();
  await expect(choice).toBeChecked();
}

/** Fills the form of a tokenization; what is not given stays as it is. */
export async function fillTokenization(
  page: Page,
  {
    tokenizer,
    window,
    stride,
    split,
  }: { tokenizer: string; window?: number; stride?: number; split?: string },
): Promise<void> {
  await page.getByLabel('Tokenizer', { exact: true }).fill(tokenizer);
  if (window !== undefined)
    await page.getByLabel('Window (max_length)', { exact: true }).fill(String(window));
  if (stride !== undefined) await page.getByLabel('Stride', { exact: true }).fill(String(stride));
  if (split !== undefined) await page.getByLabel('Split', { exact: true }).selectOption({ label: split });
}

/** Clicks until the server takes it: on a machine that is busy it may ask to try again later. */
export async function startTokenization(page: Page): Promise<void> {
  await expect(async () => {
    const answer = page.waitForResponse(/\/tokenize$/, { timeout: 40_000 });
    await page.getByRole('button', { name: 'Tokenize', exact: true }).click();
    expect((await answer).status()).toBe(202);
  }).toPass({ timeout: 120_000 });
}
