// What a dataset is: where it comes from, its splits and columns, and what went wrong with it, if anything.
import { formatBytes, formatCount, formatTime } from '../../format';
import { Card, CopyButton, Fact, Problem, Table, Td, Th } from '../../ui';
import type { Dataset } from '../queries';
import { schemaColumns } from './schema';
import { canSkip, SkipBadRows } from './SkipBadRows';
import { SourceFiles } from './SourceFiles';

export default function OverviewTab({ dataset }: { dataset: Dataset }) {
  return (
    <section aria-label="Overview" className="flex flex-col gap-5">
      {dataset.error && (
        <Problem
          problem={dataset.error}
          title={dataset.status === 'failed' ? 'The download failed' : undefined}
          actions={canSkip(dataset) ? <SkipBadRows dataset={dataset} /> : undefined}
        />
      )}
      <Facts dataset={dataset} />
      {dataset.splits.length > 0 && <Splits dataset={dataset} />}
      <Columns dataset={dataset} />
      <SourceFiles metadata={dataset.metadata} />
    </section>
  );
}

function Facts({ dataset }: { dataset: Dataset }) {
  const license = (dataset.metadata as { license?: unknown } | null)?.license;
  return (
    <Card className="p-4">
      <dl className="grid grid-cols-2 gap-4 md:grid-cols-4">
        <Fact name="Repository" className="col-span-2">
          <bdi>{dataset.repo_id}</bdi>
          {dataset.source === 'upload' && ' (uploaded files)'}
        </Fact>
        <Fact name="Commit" className="col-span-2">
          {dataset.commit_sha ? (
            <span className="flex items-center gap-1">
              <code className="min-w-0 font-mono text-xs">{dataset.commit_sha}</code>
              <CopyButton quiet text={dataset.commit_sha} label="Copy commit" />
            </span>
          ) : (
            'not pinned yet'
          )}
        </Fact>
        <Fact name="Revision">{dataset.revision ?? 'default branch'}</Fact>
        <Fact name="Configuration">
          <bdi>{dataset.config ?? 'default'}</bdi>
        </Fact>
        <Fact name="Licence">
          <bdi>{typeof license === 'string' ? license : 'none named'}</bdi>
        </Fact>
        <Fact name="Tokenizations">{formatCount(dataset.tokenizations.length)}</Fact>
        <Fact name="Rows">{formatCount(dataset.row_count)}</Fact>
        <Fact name="Size">{formatBytes(dataset.size_bytes)}</Fact>
        <Fact name="Added">{formatTime(dataset.created_at)}</Fact>
        <Fact name="Id">
          <span className="flex items-center gap-1">
            <code className="min-w-0 truncate font-mono text-xs">{dataset.id}</code>
            <CopyButton quiet text={dataset.id} label="Copy id" />
          </span>
        </Fact>
      </dl>
    </Card>
  );
}

function Splits({ dataset }: { dataset: Dataset }) {
  return (
    <div>
      <h2 className="mb-2 text-lg font-semibold">Splits</h2>
      <Table label="Splits">
        <thead>
          <tr>
            <Th>Split</Th>
            <Th className="text-right">Rows</Th>
            <Th className="text-right">Size</Th>
            <Th className="text-right">Bytes per row</Th>
          </tr>
        </thead>
        <tbody>
          {dataset.splits.map((split) => (
            <tr key={split.name}>
              <Td>
                <bdi>{split.name}</bdi>
              </Td>
              <Td className="text-right">{formatCount(split.row_count)}</Td>
              <Td className="text-right">{formatBytes(split.size_bytes)}</Td>
              <Td className="text-right">
                {split.row_count > 0 ? formatCount(split.size_bytes / split.row_count) : '–'}
              </Td>
            </tr>
          ))}
        </tbody>
      </Table>
    </div>
  );
}

function Columns({ dataset }: { dataset: Dataset }) {
  const columns = schemaColumns(dataset.schema);
  if (columns.length === 0) return null;
  return (
    <div>
      <h2 className="mb-2 text-lg font-semibold">Columns</h2>
      <Table label="Columns">
        <thead>
          <tr>
            <Th>Column</Th>
            <Th>Arrow type</Th>
            <Th>Can be null</Th>
          </tr>
        </thead>
        <tbody>
          {columns.map((column) => (
            <tr key={column.name}>
              <Td>
                <bdi>{column.name}</bdi>
              </Td>
              <Td className="font-mono text-xs">
                <bdi>{column.type}</bdi>
              </Td>
              <Td>{column.nullable ? 'yes' : 'no'}</Td>
            </tr>
          ))}
        </tbody>
      </Table>
    </div>
  );
}
