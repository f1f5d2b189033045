// The tab Statistics: the newest ready tokenization, or one that is chosen; the choice stands in the address.
import { EmptyState, Field, Select } from '../ui';
import type { Dataset } from '../api/client';
import { tokenizationName } from '../dataset/tokenizations/name';
import { useTabSearch } from '../dataset/useTabSearch';
import { StatisticsLoader } from './StatisticsLoader';

const parse = (from: Record<string, unknown>): { tokenization?: string } =>
  typeof from['tokenization'] === 'string' ? { tokenization: from['tokenization'] } : {};

export default function StatisticsTab({ dataset }: { dataset: Dataset }) {
  const [search, setSearch] = useTabSearch(parse);
  const ready = dataset.tokenizations.filter((one) => one.status === 'ready');
  const chosen = ready.find((one) => one.id === search.tokenization) ?? ready[0];
  if (!chosen) {
    return (
      <EmptyState icon="tokens" title="No statistics yet">
        They are computed with a tokenization. Start one on the tab Tokenizations.
      </EmptyState>
    );
  }
  return (
    <StatisticsLoader tokenization={chosen} datasetName={dataset.name}>
      {(exportButton) => (
        <div className="mb-4 flex flex-wrap items-end gap-3">
          <Field label="Tokenization" className="w-full max-w-md">
            {(wiring) => (
              <Select
                {...wiring}
                value={chosen.id}
                onChange={(event) => setSearch({ tokenization: event.target.value })}
              >
                {ready.map((one) => (
                  <option key={one.id} value={one.id}>
                    {tokenizationName(one)}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          {exportButton}
        </div>
      )}
    </StatisticsLoader>
  );
}
