// The source files behind the rows, those of the repository and of its archives that were left out, with the rule that
// did it, and the rows that were skipped because they cannot be read.
import { formatBytes, formatCount, plural } from '../../format';
import { Table, Td, Th } from '../../ui';

interface SourceFile {
  path: string;
  size_bytes: number;
  split: string;
}

interface LeftOut {
  path: string;
  rule: string;
}

interface SkippedRow {
  file: string;
  line: number;
  why: string;
}

interface Metadata {
  source_files?: SourceFile[];
  source_file_count?: number;
  left_out?: LeftOut[];
  left_out_count?: number;
  /** The first of them, of archives. */
  left_out_members?: { count: number; first: LeftOut[] };
  /** The first of them. */
  skipped_rows?: { count: number; first: SkippedRow[] };
}

/** Rows that are drawn; a repository may have thousands of files. */
const SHOWN = 100;

export function SourceFiles({ metadata }: { metadata: unknown }) {
  const {
    source_files = [],
    source_file_count = 0,
    left_out = [],
    left_out_count = 0,
    left_out_members,
    skipped_rows,
  } = (metadata ?? {}) as Metadata;
  if (source_file_count === 0 && left_out_count === 0) return null;
  return (
    <div className="flex flex-col gap-2">
      <h2 className="text-lg font-semibold">Source files</h2>
      <details>
        <summary className="text-sm">{formatCount(source_file_count)} read</summary>
        <Table label="Source files" className="mt-2">
          <thead>
            <tr>
              <Th>File</Th>
              <Th>Split</Th>
              <Th className="text-right">Size</Th>
            </tr>
          </thead>
          <tbody>
            {source_files.slice(0, SHOWN).map((file) => (
              <tr key={file.path}>
                <Td className="font-mono text-xs">
                  <bdi>{file.path}</bdi>
                </Td>
                <Td>
                  <bdi>{file.split}</bdi>
                </Td>
                <Td className="text-right">{formatBytes(file.size_bytes)}</Td>
              </tr>
            ))}
          </tbody>
        </Table>
      </details>
      {left_out_count > 0 && (
        <details>
          <summary className="text-sm">{formatCount(left_out_count)} left out</summary>
          <LeftOutList files={left_out.slice(0, SHOWN)} />
        </details>
      )}
      {left_out_members && (
        <details>
          <summary className="text-sm">
            {plural(left_out_members.count, 'member')} of archives left out
          </summary>
          <LeftOutList files={left_out_members.first} />
        </details>
      )}
      {skipped_rows && (
        <details>
          <summary className="text-sm">{plural(skipped_rows.count, 'row')} skipped</summary>
          <ul className="mt-2 flex flex-col gap-1 text-sm">
            {skipped_rows.first.map(({ file, line, why }) => (
              <li key={`${file}:${line}`}>
                <bdi className="font-mono text-xs">{file}</bdi>, line {formatCount(line)}
                <span className="text-muted">
                  : <bdi>{why}</bdi>
                </span>
              </li>
            ))}
            {skipped_rows.count > skipped_rows.first.length && (
              <li className="text-muted">
                and {formatCount(skipped_rows.count - skipped_rows.first.length)} more
              </li>
            )}
          </ul>
        </details>
      )}
    </div>
  );
}

function LeftOutList({ files }: { files: LeftOut[] }) {
  return (
    <ul className="mt-2 flex flex-col gap-1 text-sm">
      {files.map((file) => (
        <li key={file.path}>
          <bdi className="font-mono text-xs">{file.path}</bdi>
          <span className="text-muted">: {file.rule.replaceAll('_', ' ')}</span>
        </li>
      ))}
    </ul>
  );
}
