// The tokenizations of a dataset, newest first: what each is, how it differs, how far it is, what can be done.
import { useState } from 'react';
import { TokenizationStatsModal } from '../../statistics/TokenizationStatsModal';
import { whatDiffers } from '../../compare/parameters';
import { formatCount, formatTime, shortCommit } from '../../format';
import { Card, EmptyState, Problem, StatusBadge } from '../../ui';
import type { Dataset, Tokenization } from '../queries';
import { tokenizationName } from './name';
import { TokenizationActions } from './TokenizationActions';
import { TokenizationProgress } from './TokenizationProgress';

interface TokenizationListProps {
  dataset: Dataset;
  onReuse: (tokenization: Tokenization) => void;
}

export function TokenizationList({ dataset, onReuse }: TokenizationListProps) {
  const [shown, show] = useState<Tokenization>();
  const all = dataset.tokenizations;
  return (
    <section aria-labelledby="tokenizations">
      <h2 id="tokenizations" className="mb-2 text-lg font-semibold">
        Tokenizations of this dataset
      </h2>
      {all.length === 0 && (
        <EmptyState icon="tokens" title="None yet">
          Choose a tokenizer above; the preview shows what your settings do before anything is started.
        </EmptyState>
      )}
      <ul className="flex flex-col gap-3">
        {all.map((tokenization, index) => (
          <li key={tokenization.id}>
            <Item
              dataset={dataset}
              tokenization={tokenization}
              before={all[index + 1]}
              onReuse={onReuse}
              onStatistics={() => show(tokenization)}
            />
          </li>
        ))}
      </ul>
      <TokenizationStatsModal
        tokenization={shown}
        datasetName={dataset.name}
        onClose={() => show(undefined)}
      />
    </section>
  );
}

interface ItemProps extends TokenizationListProps {
  tokenization: Tokenization;
  /** The one that was started before it. */
  before: Tokenization | undefined;
  onStatistics: () => void;
}

function Item({ dataset, tokenization, before, onReuse, onStatistics }: ItemProps) {
  const differences = before ? whatDiffers(before, tokenization) : [];
  return (
    <Card className="p-4">
      <article aria-label={tokenizationName(tokenization)} className="flex flex-col gap-2">
        <header className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <h3 className="font-semibold">
            <bdi>{tokenization.tokenizer_name}</bdi>
            <span className="font-normal text-muted">@{shortCommit(tokenization.tokenizer_revision)}</span>
          </h3>
          <StatusBadge status={tokenization.status} />
          <span className="text-sm text-muted">{formatTime(tokenization.created_at)}</span>
        </header>
        <p className="text-sm text-muted" data-numeric>
          {facts(tokenization).join(' · ')}
        </p>
        {before && (
          <p className="text-sm">
            <span className="text-muted">What differs from the one before: </span>
            {differences.length === 0 ? 'nothing' : differences.join('; ')}
          </p>
        )}
        <TokenizationProgress tokenization={tokenization} />
        {tokenization.error && (
          <Problem problem={tokenization.error} title="The tokenization failed" compact />
        )}
        <TokenizationActions
          dataset={dataset}
          tokenization={tokenization}
          before={before}
          onReuse={onReuse}
          onStatistics={onStatistics}
        />
      </article>
    </Card>
  );
}

function facts({
  max_length,
  stride,
  config,
  num_sequences,
  num_tokens,
  vocab_size,
  engine,
}: Tokenization): string[] {
  const shape =
    config.packing === 'concat' ? `packed to ${max_length}` : `window ${max_length}, stride ${stride}`;
  const found = [shape, `split ${config.split ?? 'default'}`];
  if (num_sequences !== null && num_sequences !== undefined)
    found.push(`${formatCount(num_sequences)} sequences`);
  if (num_tokens !== null && num_tokens !== undefined) found.push(`${formatCount(num_tokens)} tokens`);
  if (vocab_size) found.push(`vocabulary ${formatCount(vocab_size)}`);
  if (engine) found.push(`engine ${engine}`);
  return found;
}
