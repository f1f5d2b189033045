// The tab "Use it": snippets that run as they are, for the tokenization that is chosen.
import { tokenizationName } from '../tokenizations/name';
import { Card, CopyButton, EmptyState, Field, Select, Skeleton, TextInput } from '../../ui';
import type { Dataset } from '../queries';
import { useTabSearch } from '../useTabSearch';
import { snippets, type Snippet } from './snippets';
import { useAddresses } from './useAddresses';

/** The id of a tokenization, or `raw`. */
const parse = (from: Record<string, unknown>): { tokenization?: string } =>
  typeof from['tokenization'] === 'string' ? { tokenization: from['tokenization'] } : {};

export default function UseTab({ dataset }: { dataset: Dataset }) {
  const ready = dataset.tokenizations.filter((one) => one.status === 'ready');
  const [search, setSearch] = useTabSearch(parse);
  const chosenId = search.tokenization;
  const chosen = ready.find((one) => one.id === chosenId) ?? (chosenId === 'raw' ? undefined : ready[0]);
  const { addresses, change: setAddresses, isKnown } = useAddresses();
  if (dataset.status !== 'ready') {
    return (
      <EmptyState icon="play" title="Nothing to read yet">
        Rows can be read once the dataset is ready; it is {dataset.status} now.
      </EmptyState>
    );
  }
  const tokenization = chosen && { id: chosen.id, tokenizer: chosen.tokenizer_name };
  const subject = {
    datasetId: dataset.id,
    name: dataset.name,
    splits: dataset.splits.map((split) => split.name),
    ...(tokenization ? { tokenization } : {}),
  };
  return (
    <section aria-label="Use it" className="flex flex-col gap-4">
      <div className="grid grid-cols-1 gap-4 sm:grid-cols-3">
        <Field label="Read">
          {(wiring) => (
            <Select
              {...wiring}
              value={chosen?.id ?? 'raw'}
              onChange={(event) => setSearch({ tokenization: event.target.value })}
            >
              {ready.map((one) => (
                <option key={one.id} value={one.id}>
                  {tokenizationName(one)}
                </option>
              ))}
              <option value="raw">Raw rows</option>
            </Select>
          )}
        </Field>
        <Field label="Flight address" hint="Where the training job reaches the service flight.">
          {(wiring) => (
            <TextInput
              {...wiring}
              value={addresses.flight}
              onChange={(event) => setAddresses({ flight: event.target.value })}
            />
          )}
        </Field>
        <Field label="Catalog address">
          {(wiring) => (
            <TextInput
              {...wiring}
              value={addresses.catalog}
              onChange={(event) => setAddresses({ catalog: event.target.value })}
            />
          )}
        </Field>
      </div>
      {/* A snippet that is copied too early must not have the wrong address. */}
      {!isKnown && <Skeleton className="h-40" />}
      {isKnown &&
        snippets(subject, addresses).map((snippet) => <SnippetCard key={snippet.id} snippet={snippet} />)}
    </section>
  );
}

function SnippetCard({ snippet }: { snippet: Snippet }) {
  return (
    <Card className="min-w-0">
      <section aria-label={snippet.title}>
        <header className="flex flex-wrap items-center justify-between gap-2 px-4 pt-3">
          <div className="min-w-0">
            <h2 className="font-semibold">{snippet.title}</h2>
            <p className="text-sm text-muted">{snippet.about}</p>
          </div>
          <CopyButton text={snippet.code} />
        </header>
        {/* Code is wider than a phone, and what scrolls must be reachable by keyboard. */}
        {/* eslint-disable jsx-a11y/no-noninteractive-tabindex */}
        <div
          role="region"
          aria-label={`Code: ${snippet.title}`}
          tabIndex={0}
          className="mt-3 overflow-x-auto rounded-b-lg border-t border-line bg-sunken px-4 py-3"
        >
          <pre className="font-mono text-xs leading-5">{snippet.code}</pre>
        </div>
        {/* eslint-enable jsx-a11y/no-noninteractive-tabindex */}
      </section>
    </Card>
  );
}
