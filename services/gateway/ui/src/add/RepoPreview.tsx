// What a repository holds, before anything is downloaded.
import type { ReactNode } from 'react';
import type { HubDataset } from '../api/client';
import { formatBytes, shortCommit } from '../format';
import { Badge } from '../ui/Badge';
import { CopyButton } from '../ui/CopyButton';
import { cx } from '../ui/cx';
import { Icon } from '../ui/Icon';
import { Card, Fact, Skeleton } from '../ui/parts';
import { configOf, type Chosen } from './Choices';
import { ConfigTable } from './ConfigTable';
import { ColumnList, FirstRows, LeftOut } from './RepoRows';

interface Props {
  repoId: string;
  repo: HubDataset;
  chosen: Chosen;
  onChoose: (chosen: Chosen) => void;
  /** Another configuration is on its way. */
  stale: boolean;
}

export function RepoPreview({ repoId, repo, chosen, onChoose, stale }: Props) {
  const config = configOf(repo, chosen);
  return (
    <Card className={cx('overflow-hidden', stale && 'opacity-70')}>
      <section aria-label="Preview" aria-busy={stale || undefined}>
        <header className="flex flex-wrap items-center gap-2 border-b border-line px-4 py-3">
          <h2 className="min-w-0 font-semibold">
            <bdi>{repoId}</bdi>
          </h2>
          {repo.gated && (
            <Badge tone="warn" icon="lock">
              Gated
            </Badge>
          )}
          {repo.license ? <Badge>{repo.license}</Badge> : <Badge>No licence named</Badge>}
        </header>
        <dl className="grid grid-cols-2 gap-x-4 gap-y-3 border-b border-line px-4 py-3 sm:grid-cols-4">
          <Fact name="Pinned to commit">
            <span
              className="-my-1 inline-flex items-center gap-0.5 font-mono text-xs"
              title={repo.commit_sha}
            >
              {shortCommit(repo.commit_sha)}
              <CopyButton text={repo.commit_sha} label="Copy commit" quiet />
            </span>
          </Fact>
          <Fact name="Configurations">{repo.configs.length}</Fact>
          <Fact name="Source files">{formatBytes(config?.size_bytes)}</Fact>
          <Disk needed={repo.disk_needed} free={repo.disk_free} />
        </dl>
        <Part title="Configurations and splits">
          <ConfigTable repo={repo} config={config?.name} chosen={chosen} onChoose={onChoose} />
          {config?.error && <p className="mt-2 text-xs text-bad">{config.error.detail}</p>}
          {config && config.left_out.length > 0 && <LeftOut config={config} />}
        </Part>
        <Part title={`Columns of ${repo.preview?.config ?? config?.name ?? 'the first configuration'}`}>
          <ColumnList columns={repo.columns} />
        </Part>
        <Part title={`First rows${repo.preview ? ` of ${repo.preview.split}` : ''}`}>
          <FirstRows columns={repo.columns} rows={repo.first_rows} problem={repo.preview?.error} />
        </Part>
      </section>
    </Card>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="border-b border-line px-4 py-3 last:border-b-0">
      <h3 className="mb-2 text-sm font-semibold">{title}</h3>
      {children}
    </div>
  );
}

function Disk({ needed, free }: { needed: number; free: number }) {
  const tight = needed > free;
  return (
    <Fact name="Disk needed of free">
      <span className={cx('inline-flex items-center gap-1', tight && 'font-medium text-bad')}>
        {tight && <Icon name="alert" size={13} />}
        {formatBytes(needed)} of {formatBytes(free)}
        {tight && <span className="sr-only">: not enough</span>}
      </span>
      {tight && <span className="block text-xs text-bad">Not enough: free some space first.</span>}
    </Fact>
  );
}

export function PreviewSkeleton() {
  return (
    <div aria-busy="true" className="space-y-3">
      <p role="status" className="text-sm text-muted">
        Asking the Hub what the repository holds…
      </p>
      <Skeleton className="h-16" />
      <Skeleton className="h-32" />
    </div>
  );
}
