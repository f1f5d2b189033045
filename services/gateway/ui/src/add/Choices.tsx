// What of a repository is downloaded: configuration, split, how many rows, whether bad ones too, and under which name.
import type { HubDataset } from '../api/client';
import { formatBytes } from '../format';
import { Checkbox, Field, NumberInput, Select, TextInput } from '../ui/Field';

export interface Chosen {
  config?: string | undefined;
  /** All splits. */
  split?: string | undefined;
  rows?: number | undefined;
  name?: string | undefined;
  skipBadRows?: boolean | undefined;
}

interface Props {
  /** What the repository holds, once it was looked at. */
  repo: HubDataset | undefined;
  chosen: Chosen;
  onChoose: (chosen: Chosen) => void;
}

/** The configuration that is meant when none is named. */
export function configOf(repo: HubDataset, { config }: Chosen) {
  const named = repo.configs.find((one) => one.name === (config ?? repo.preview?.config));
  return named ?? repo.configs.find((one) => one.default) ?? repo.configs[0];
}

export function Choices({ repo, chosen, onChoose }: Props) {
  if (repo === undefined) return null;
  const config = configOf(repo, chosen);
  return (
    <fieldset className="grid gap-4 border-t border-line pt-4 sm:grid-cols-2 lg:grid-cols-4">
      <legend className="sr-only">What to download</legend>
      <Field label="Configuration">
        {(wiring) => (
          <Select
            {...wiring}
            value={config?.name ?? ''}
            // A split of one configuration says nothing about another.
            onChange={(event) => onChoose({ ...chosen, config: event.target.value, split: undefined })}
          >
            {repo.configs.map((one) => (
              <option key={one.name} value={one.name}>
                {one.name} ({formatBytes(one.size_bytes)})
              </option>
            ))}
          </Select>
        )}
      </Field>
      <Field label="Split">
        {(wiring) => (
          <Select
            {...wiring}
            value={chosen.split ?? ''}
            onChange={(event) =>
              onChoose({ ...chosen, split: event.target.value === '' ? undefined : event.target.value })
            }
          >
            <option value="">All splits</option>
            {config?.splits.map((split) => (
              <option key={split.name} value={split.name}>
                {split.name} ({formatBytes(split.size_bytes)})
              </option>
            ))}
          </Select>
        )}
      </Field>
      <Field label="At most rows">
        {(wiring) => (
          <NumberInput
            {...wiring}
            min={1}
            placeholder="all"
            value={chosen.rows ?? ''}
            onChange={(event) => {
              const rows = Math.floor(event.target.valueAsNumber);
              onChoose({ ...chosen, rows: rows > 0 ? rows : undefined });
            }}
          />
        )}
      </Field>
      <Field label="Name">
        {(wiring) => (
          <TextInput
            {...wiring}
            placeholder="as the repository"
            value={chosen.name ?? ''}
            onChange={(event) =>
              onChoose({ ...chosen, name: event.target.value === '' ? undefined : event.target.value })
            }
          />
        )}
      </Field>
      <Checkbox
        className="sm:col-span-2 lg:col-span-4"
        label="Skip bad rows"
        hint="Rows of JSON, CSV and text that cannot be read are left out and counted. Otherwise the first one ends the download."
        checked={chosen.skipBadRows ?? false}
        onChange={(event) => onChoose({ ...chosen, skipBadRows: event.target.checked })}
      />
    </fieldset>
  );
}
