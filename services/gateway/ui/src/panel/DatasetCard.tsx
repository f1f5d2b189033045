// One dataset in the panel.
import { Link } from '@tanstack/react-router';
import { memo, useId, useRef } from 'react';
import type { Dataset } from '../api/client';
import { formatBytes, formatCount, plural, shortCommit } from '../format';
import { Ago } from '../ui/Ago';
import { StatusBadge } from '../ui/Badge';
import { Icon } from '../ui/Icon';
import { Problem } from '../ui/Problem';
import { wasCancelled } from './actions';
import { CardActions } from './CardActions';
import { isLive, LiveArea } from './LiveArea';
import { useVisible } from './useVisible';

export const DatasetCard = memo(function DatasetCard({ dataset }: { dataset: Dataset }) {
  const card = useRef<HTMLElement>(null);
  const visible = useVisible(card);
  const titleId = useId();
  return (
    <article
      ref={card}
      aria-labelledby={titleId}
      className="flex min-w-0 flex-col gap-3 rounded-lg border border-line bg-surface p-4 shadow-card [contain-intrinsic-size:auto_170px] [content-visibility:auto] hover:border-line-strong"
    >
      <header className="min-w-0">
        <div className="flex items-start justify-between gap-3">
          <h2 className="min-w-0 truncate leading-5 font-semibold">
            <Link
              id={titleId}
              data-list-item=""
              to="/datasets/$id/$tab"
              params={{ id: dataset.id, tab: 'overview' }}
              className="rounded-sm hover:text-accent-text hover:underline"
              title={dataset.name}
            >
              <bdi>{dataset.name}</bdi>
            </Link>
          </h2>
          <StatusBadge status={dataset.status} />
        </div>
        <Source dataset={dataset} />
      </header>
      <Facts dataset={dataset} />
      {isLive(dataset) && <LiveArea dataset={dataset} visible={visible} />}
      {dataset.status === 'failed' && dataset.error && <Problem problem={dataset.error} compact />}
      {wasCancelled(dataset) && (
        <p className="flex items-start gap-1.5 text-xs text-muted">
          <Icon name="pause" size={13} className="mt-0.5" />
          Cancelled. Partial files are kept; a resume goes on from there.
        </p>
      )}
      <footer className="mt-auto flex items-center gap-2">
        <CardActions dataset={dataset} />
      </footer>
    </article>
  );
});

/** Where it comes from, down to the commit. */
function Source({ dataset }: { dataset: Dataset }) {
  const { source, repo_id, commit_sha, revision, config } = dataset;
  if (source === 'upload') return <p className="mt-0.5 truncate text-xs text-muted">Uploaded files</p>;
  const at = commit_sha ? shortCommit(commit_sha) : revision;
  return (
    <p className="mt-0.5 truncate text-xs text-muted" title={commit_sha ?? undefined}>
      <bdi>{repo_id}</bdi>
      {at && <span className="font-mono text-2xs">@{at}</span>}
      {config && config !== 'default' && <bdi> · {config}</bdi>}
    </p>
  );
}

function Facts({ dataset }: { dataset: Dataset }) {
  const { size_bytes, row_count, splits, tokenizations, created_at } = dataset;
  const known = size_bytes !== null && size_bytes !== undefined;
  // How long it takes stands beside its progress.
  if (!known && dataset.status === 'downloading') return null;
  return (
    <p data-numeric="" className="flex flex-wrap gap-x-3 gap-y-0.5 text-xs text-muted">
      {known && <span className="text-ink">{formatBytes(size_bytes)}</span>}
      {row_count !== null && row_count !== undefined && <span>{plural(row_count, 'row')}</span>}
      {splits.length > 0 && (
        <bdi
          className="max-w-48 truncate"
          title={splits.map((split) => `${split.name}: ${formatCount(split.row_count)} rows`).join('\n')}
        >
          {splits.map((split) => split.name).join(', ')}
        </bdi>
      )}
      {tokenizations.length > 0 && <span>{plural(tokenizations.length, 'tokenization')}</span>}
      <Ago at={created_at} className="text-faint" />
    </p>
  );
}
