// The main job by clicks: from a repository of the Hub to rows that a Python program reads, and away again.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { card, downloadBar, expectIncreasing, openPanel, preview, valuesOf } from '../pages/panel';
import {
  chart,
  chartColumn,
  chooseView,
  fillTokenization,
  openTab,
  startTokenization,
} from '../pages/dataset';
import { PROJECT } from '../stage/program';
import { BERT, GPT2, STORY } from '../stage/repositories';
import { expect, test } from '../stage/test';

const run = promisify(execFile);
const PYTHON = join(PROJECT, '.tools/venv/bin/python');
/** Stop words, numbers, and a word that is cut into pieces. */
const SENTENCE = 'The tokenizer of the 42 unbelievable datasets';
const TEMPLATE =
  '{% for m in messages %}{% if m.role == "assistant" %}{% generation %}{{ m.content }}{% endgeneration %}{% else %}{{ m.role }}: {{ m.content }} {% endif %}{% endfor %}';

async function python(code: string, ...args: string[]): Promise<string> {
  return (await run(PYTHON, ['-c', code, ...args], { timeout: 120_000 })).stdout;
}

/** What pyarrow counts in the files that the Hub serves. */
const COUNT_SOURCE = `
import glob, sys, pyarrow.json as pj
print(sum(pj.read_json(f, pj.ReadOptions(block_size=64 << 20)).num_rows for f in glob.glob(sys.argv[1])))
`;

/** Sequences and tokens of a tokenization as pyarrow reads them over Flight. */
const COUNT_FLIGHT = `
import sys, pyarrow.flight as flight
client = flight.connect(sys.argv[1])
table = flight.FlightDescriptor.for_path("tokenizations", sys.argv[2])
read = [c.data for e in client.get_flight_info(table).endpoints for c in client.do_get(e.ticket)]
print(sum(b.num_rows for b in read), sum(len(b.column("input_ids").flatten()) for b in read))
`;

test('the whole story, by clicks', async ({ page, stack, watch }) => {
  test.setTimeout(300_000);
  const { api, hub, platform, folder } = stack;
  const name = STORY;
  // While a form is filled in, what stands there is previewed, right or not; a busy server asks to wait.
  watch.expectError(/\/tokenize\/preview\)$|status of 503 .*\/tokenize\)$/);

  await test.step('preview shows what the repository holds', async () => {
    await preview(page, STORY);
    const region = page.getByRole('region', { name: 'Preview', exact: true });
    await expect(region).toContainText('validation');
    await expect(region).toContainText('messages');
    await expect(region).toContainText('not bold');
    await expect(page.locator('img[src="x"], b:text("not bold")')).toHaveCount(0);
  });

  await test.step('download with progress that moves', async () => {
    await hub.throttle(1_500_000);
    await page.getByRole('button', { name: 'Download', exact: true }).click();
    const values = await valuesOf(downloadBar(page, name), 4);
    expectIncreasing(values);
    console.log(`download: aria-valuenow ${values.join(', ')}`);
    await expect(downloadBar(page, name)).toHaveAttribute('aria-valuetext', /\d/);
    await hub.throttle(null);
    const { id } = await api.find(name);
    await api.until(id, ({ status }) => status === 'ready');
    await openPanel(page);
    await expect(card(page, name)).toContainText(/ready/i);
  });

  const { id, row_count } = await api.find(name);
  await test.step('it holds what pyarrow counts in the source', async () => {
    const source = join(folder, 'hub/datasets', STORY, 'data/*.jsonl');
    expect(row_count).toBe(Number(await python(COUNT_SOURCE, source)));
  });

  await test.step('the preview of a tokenization follows its filters', async () => {
    await card(page, name).getByRole('link', { name, exact: true }).click();
    await openTab(page, 'Tokenizations');
    await fillTokenization(page, { tokenizer: BERT, window: 128, stride: 16 });
    await page.getByLabel('Preview text', { exact: true }).fill(SENTENCE);
    const region = page.getByRole('region', { name: 'Preview', exact: true });
    await expect(region).toContainText('unbelievable'.slice(0, 2));
    const filter = page.getByRole('checkbox', { name: 'Filter stop words', exact: true });
    await expect(filter).toBeChecked();
    await expect(region).toContainText(/dropped as stop words?/i);
    await filter.uncheck();
    await expect(region).not.toContainText(/dropped as stop words?/i);
    await filter.check();
    await expect(region).toContainText(/dropped as stop words?/i);
  });

  await test.step('a conversation of the dataset is previewed as a template renders it', async () => {
    const region = page.getByRole('region', { name: 'Preview', exact: true });
    await page.getByLabel('Text column', { exact: true }).selectOption('messages');
    await expect(region).toContainText('No preview until the fields');
    await page.getByText('More settings', { exact: true }).click();
    await page.getByLabel('Chat template', { exact: true }).fill(TEMPLATE);
    await expect(region).toContainText(/said by the model/);
    await region.getByRole('radio', { name: 'Row of the dataset', exact: true }).check();
    await region.getByLabel('Row', { exact: true }).fill('1');
    await expect(region.getByLabel('Preview conversation (JSON)')).toHaveValue(/You know the documentation/);
    await expect(region).toContainText(/\d tokens, .* said by the model/);
    await region.getByRole('radio', { name: 'My conversation', exact: true }).check();
    await region.getByLabel('Preview conversation (JSON)').fill('["only"');
    await expect(region).toContainText('must be a list of');
    await page.getByLabel('Chat template', { exact: true }).fill('');
    await page.getByLabel('Text column', { exact: true }).selectOption('');
    await expect(page.getByLabel('Preview text', { exact: true })).toHaveValue(SENTENCE);
  });

  await test.step('tokenize with progress that moves', async () => {
    await startTokenization(page);
    const bar = page.getByRole('progressbar', { name: `Tokenization with ${BERT}` }).first();
    const values = await valuesOf(bar, 3);
    expectIncreasing(values);
    console.log(`tokenization: aria-valuenow ${values.join(', ')}`);
    await expect(bar).toBeHidden({ timeout: 120_000 });
  });

  const [first] = (await api.dataset(id)).tokenizations;
  if (!first) throw new Error('no tokenization');
  const statistics = await api.statistics(id, first.id);

  await test.step('statistics with their charts', async () => {
    await openTab(page, 'Statistics');
    for (const title of ['Vocabulary', 'Rank and frequency', 'Sequence lengths']) {
      await expect(chart(page, title)).toBeVisible();
      await expect(chart(page, title).locator('svg rect, svg path, svg circle').first()).toBeAttached();
    }
    await expect(page.getByText(statistics.total_tokens.toLocaleString('en')).first()).toBeVisible();
    const counts = await chartColumn(page, 'Vocabulary', 4);
    expect(counts.length).toBeGreaterThanOrEqual(10);
    expect(counts).toEqual(statistics.vocab_distribution.slice(0, counts.length).map(({ count }) => count));
    const lengths = await chartColumn(page, 'Sequence lengths', 3);
    expect(lengths.reduce((sum, count) => sum + count, 0)).toBe(statistics.total_sequences);
  });

  await test.step('samples in their three views', async () => {
    await openTab(page, 'Samples');
    const rows = page.getByRole('region', { name: 'Samples' });
    await chooseView(page, 'Raw');
    await expect(rows).toContainText('not bold');
    await chooseView(page, 'Chat');
    await expect(rows).toContainText(/assistant/i);
    await expect(rows).toContainText('You know the documentation by heart.');
    await chooseView(page, 'Tokens');
    const [sequence] = await api.sequences(id, first.id);
    for (const token of sequence?.input_ids.slice(0, 5) ?? ['none']) {
      await expect(rows.getByTitle(new RegExp(`^id ${token} · bytes [0-9A-F]{2}`)).first()).toBeVisible();
    }
    await expect(page.locator('img[src="x"], b:text("not bold")')).toHaveCount(0);
  });

  await test.step('a second tokenization, and both compared', async () => {
    await openTab(page, 'Tokenizations');
    await fillTokenization(page, { tokenizer: GPT2, window: 256, stride: 0 });
    await startTokenization(page);
    await api.until(
      id,
      ({ tokenizations }) => tokenizations.filter((one) => one.status === 'ready').length === 2,
    );
    await page
      .getByRole('link', { name: /compare/i })
      .first()
      .click();
    await expect(page).toHaveURL(new RegExp(`/datasets/${id}/compare`));
    await expect(page.getByRole('region', { name: /^A: / })).toContainText(BERT);
    await expect(page.getByRole('region', { name: /^B: / })).toContainText(GPT2);
  });

  await test.step('the copied snippet runs, and reads what was counted', async () => {
    await page.goto(`/datasets/${id}/use?tokenization=${first.id}`);
    const flight = page
      .getByRole('region', { name: /Flight/ })
      .or(page.getByRole('article', { name: /Flight/ }))
      .first();
    await flight.getByRole('button', { name: /copy/i }).click();
    const snippet = await page.evaluate(() => navigator.clipboard.readText());
    expect(snippet).toContain(platform.addresses.flight);
    const [read] = /\d+/.exec(await python(snippet)) ?? [];
    const counted = (await python(COUNT_FLIGHT, `grpc://${platform.addresses.flight}`, first.id))
      .trim()
      .split(' ');
    expect(counted.map(Number)).toEqual([statistics.total_sequences, statistics.total_tokens]);
    expect(Number(read)).toBe(statistics.total_sequences);
    console.log(`the snippet read ${read} rows; statistics and pyarrow say the same`);
  });

  await test.step('delete, and it is gone', async () => {
    await openPanel(page);
    await card(page, name).getByRole('button', { name: 'Delete', exact: true }).click();
    const dialog = page.getByRole('alertdialog', { name: `Delete ${name}?` });
    await dialog.getByRole('button', { name: 'Delete dataset', exact: true }).click();
    await expect(dialog).toBeHidden();
    await expect(card(page, name)).toHaveCount(0);
    expect(await api.status(`/datasets/${id}`)).toBe(404);
    watch.expectError(/status of 404/);
    await page.goto(`/datasets/${id}/overview`);
    await expect(page.getByText(/not found|no dataset/i).first()).toBeVisible();
  });
});
