// The channel of all datasets, one line each: it says what of the lists is out of date, and how far each is.
import { keys } from '../api/queries';
import type { Dataset } from '../api/client';
import { datasetsStore } from '../store/datasetsStore';
import { askAgain, patchDataset } from '../store/cache';
import type { PanelMessage, Summary } from './messages';
import { useNames } from './names';

/** The last line of each dataset. */
const lines = new Map<string, Summary>();

export function receiveDatasets(message: PanelMessage): void {
  switch (message.event) {
    case 'snapshot':
      takeAll(message.data);
      break;
    case 'dataset_updated':
      if (take(message.data)) askAgain(keys.datasets, keys.jobs);
      break;
    case 'dataset_deleted':
      lines.delete(message.data.id);
      datasetsStore.getState().forget(message.data.id);
      break;
  }
}

/** After a break: whatever changed meanwhile is asked again, in one question. */
function takeAll(summaries: Summary[]): void {
  const shown = new Map(
    datasetsStore
      .getState()
      .datasets()
      .map((dataset) => [dataset.id, dataset]),
  );
  const ids = new Set(summaries.map(({ id }) => id));
  const gone = [...lines.keys()].filter((id) => !ids.has(id));
  for (const id of gone) lines.delete(id);
  let changed = gone.length > 0;
  const first = lines.size === 0;
  for (const summary of summaries) {
    const differs = first ? isOlder(shown.get(summary.id), summary) : isNews(lines.get(summary.id), summary);
    changed = differs || changed;
    note(summary);
  }
  const byId = Object.fromEntries(summaries.map(({ id, name }) => [id, name]));
  useNames.setState({ byId, heard: true });
  if (changed) askAgain(keys.datasets, keys.jobs);
}

function take(summary: Summary): boolean {
  const news = isNews(lines.get(summary.id), summary);
  note(summary);
  const { byId } = useNames.getState();
  if (byId[summary.id] !== summary.name) useNames.setState({ byId: { ...byId, [summary.id]: summary.name } });
  return news;
}

function note(summary: Summary): void {
  const { id, status, row_count, size_bytes, progress } = summary;
  const before = lines.get(id);
  lines.set(id, summary);
  if (before?.status !== status || before.row_count !== row_count || before.size_bytes !== size_bytes) {
    patchDataset(id, { status, row_count, size_bytes });
  }
  if (before?.progress !== progress) datasetsStore.getState().updatePercent(id, progress ?? undefined);
}

/** Progress alone is none: it does not change what the lists hold. */
function isNews(before: Summary | undefined, after: Summary): boolean {
  return before?.seq !== after.seq || before.status !== after.status;
}

function isOlder(dataset: Dataset | undefined, summary: Summary): boolean {
  return dataset !== undefined && dataset.event_seq !== summary.seq;
}
