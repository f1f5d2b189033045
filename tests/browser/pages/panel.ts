// The panel of datasets and the form that adds one, by their accessible names.
import { expect, type Locator, type Page } from '@playwright/test';

export const card = (page: Page, name: string): Locator => page.getByRole('article', { name, exact: true });
export const searchBox = (page: Page): Locator => page.getByRole('searchbox', { name: 'Search datasets' });
export const banner = (page: Page): Locator =>
  page.getByRole('status').filter({ hasText: /^\s*(Live|Reconnecting|Stale since|Connecting)/ });
export const downloadBar = (page: Page, name: string): Locator =>
  page.getByRole('progressbar', { name: `Download of ${name}` });

export async function openPanel(page: Page): Promise<void> {
  await page.goto('/');
  await expect(searchBox(page)).toBeVisible();
}

/** Fills the form and asks what the repository holds. */
export async function preview(page: Page, repository: string): Promise<void> {
  await page.goto('/add');
  await page.getByLabel('Repository', { exact: true }).fill(repository);
  await page.getByRole('button', { name: 'Preview', exact: true }).click();
}

/** The distinct values that a progress bar takes until it goes away or shows the end. */
export async function valuesOf(bar: Locator, enough: number): Promise<number[]> {
  const seen: number[] = [];
  await expect
    .poll(
      async () => {
        const text = await bar.getAttribute('aria-valuenow', { timeout: 30_000 });
        const value = Number(text);
        if (text !== null && Number.isFinite(value) && value !== seen.at(-1)) seen.push(value);
        return seen.length;
      },
      { intervals: [50], timeout: 60_000, message: `${enough} values of the progress` },
    )
    .toBeGreaterThanOrEqual(enough);
  return seen;
}

export function expectIncreasing(values: number[]): void {
  expect(values).toEqual([...values].sort((a, b) => a - b));
}
