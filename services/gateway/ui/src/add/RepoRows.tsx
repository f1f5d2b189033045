// Columns and first rows of a repository, and the files that are not taken. All of it is text, whatever it looks like.
import type { HubConfig, HubDataset, Problem as ProblemType } from '../api/client';
import { cellText } from '../dataset/samples/cell';
import { formatCount } from '../format';
import { Problem } from '../ui/Problem';
import { Table, Td, Th } from '../ui/Table';

const MAX_CELL = 300;

export function ColumnList({ columns }: { columns: HubDataset['columns'] }) {
  if (columns.length === 0) return <p className="text-sm text-muted">Not known before the download.</p>;
  return (
    <ul className="flex flex-wrap gap-1.5">
      {columns.map((column) => (
        <li
          key={column.name}
          className="inline-flex max-w-full gap-1.5 rounded-sm border border-line bg-sunken px-2 py-0.5 text-xs"
        >
          <bdi className="max-w-full shrink-0 truncate font-medium">{column.name}</bdi>
          <span className="min-w-0 truncate font-mono text-2xs leading-4.5 text-muted" title={column.type}>
            {column.type}
          </span>
        </li>
      ))}
    </ul>
  );
}

interface RowsProps {
  columns: HubDataset['columns'];
  rows: HubDataset['first_rows'];
  problem: ProblemType | null | undefined;
}

export function FirstRows({ columns, rows, problem }: RowsProps) {
  if (problem) return <Problem problem={problem} title="The first rows cannot be shown" compact />;
  if (rows.length === 0) return <p className="text-sm text-muted">There are no rows to show.</p>;
  const names = columns.length > 0 ? columns.map((column) => column.name) : Object.keys(rows[0] ?? {});
  return (
    <Table label="First rows">
      <thead>
        <tr>
          {names.map((name) => (
            <Th key={name}>
              <bdi>{name}</bdi>
            </Th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, n) => (
          <tr key={n}>
            {names.map((name) => (
              <Td key={name} dir="auto" className="max-w-lg min-w-32 wrap-anywhere">
                <span className="line-clamp-3 text-xs">
                  {cellText((row as Record<string, unknown>)[name] ?? '', MAX_CELL)}
                </span>
              </Td>
            ))}
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

export function LeftOut({ config }: { config: HubConfig }) {
  return (
    <details className="mt-2 text-xs">
      <summary className="w-fit text-muted hover:text-ink">
        {formatCount(config.left_out_count)} {config.left_out_count === 1 ? 'file is' : 'files are'} left out
      </summary>
      <ul className="mt-1 max-h-40 space-y-0.5 overflow-y-auto">
        {config.left_out.map((file) => (
          <li key={file.path} className="flex justify-between gap-3">
            <bdi className="min-w-0 truncate font-mono text-2xs leading-4.5">{file.path}</bdi>
            <span className="shrink-0 text-faint">{file.rule.replaceAll('_', ' ')}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}
