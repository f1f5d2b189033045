// Configurations by splits, with files, rows and bytes; a click chooses.
import type { HubConfig, HubDataset, HubSplit } from '../api/client';
import { formatBytes, formatCount } from '../format';
import { Badge } from '../ui/Badge';
import { cx } from '../ui/cx';
import { Table, Td, Th } from '../ui/Table';
import type { Chosen } from './Choices';

interface Props {
  repo: HubDataset;
  /** The one that is chosen. */
  config: string | undefined;
  chosen: Chosen;
  onChoose: (chosen: Chosen) => void;
}

export function ConfigTable({ repo, config, chosen, onChoose }: Props) {
  return (
    <div className="max-h-80 overflow-y-auto">
      <Table label="Configurations and splits">
        <thead>
          <tr>
            <Th>Configuration</Th>
            <Th>Split</Th>
            <Th>Format</Th>
            <Th className="text-right">Files</Th>
            <Th className="text-right">Rows</Th>
            <Th className="text-right">Size</Th>
          </tr>
        </thead>
        <tbody>
          {repo.configs.flatMap((one) =>
            one.splits.map((split, n) => (
              <SplitRow
                key={`${one.name}/${split.name}`}
                config={one}
                split={split}
                first={n === 0}
                on={one.name === config && (chosen.split === undefined || chosen.split === split.name)}
                onPick={() => onChoose({ ...chosen, config: one.name, split: split.name })}
              />
            )),
          )}
        </tbody>
      </Table>
    </div>
  );
}

interface RowProps {
  config: HubConfig;
  split: HubSplit;
  /** The first of its configuration. */
  first: boolean;
  /** It will be downloaded. */
  on: boolean;
  onPick: () => void;
}

function SplitRow({ config, split, first, on, onPick }: RowProps) {
  return (
    <tr className={cx(on && 'bg-accent-soft')}>
      <Td>
        {first && (
          <span className="inline-flex items-center gap-1.5">
            <bdi>{config.name}</bdi>
            {config.default && config.name !== 'default' && <Badge>default</Badge>}
          </span>
        )}
      </Td>
      <Td>
        <button
          type="button"
          aria-pressed={on}
          aria-label={`${split.name} of ${config.name}`}
          onClick={onPick}
          className="rounded-sm font-medium text-accent-text hover:underline"
        >
          <bdi>{split.name}</bdi>
        </button>
      </Td>
      <Td className="text-muted">{split.format}</Td>
      <Td className="text-right">{formatCount(split.file_count)}</Td>
      <Td className="text-right">{formatCount(split.row_count)}</Td>
      <Td className="text-right whitespace-nowrap">{formatBytes(split.size_bytes)}</Td>
    </tr>
  );
}
