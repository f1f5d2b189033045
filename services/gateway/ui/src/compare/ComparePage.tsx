// Two tokenizations of a dataset over the same text: where they cut it differently, what they keep, what it costs.
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { datasetQuery } from '../api/queries';
import { PendingPage } from '../app/PendingPage';
import { TextPicker } from '../dataset/tokenizations/TextPicker';
import { EXAMPLE } from '../dataset/tokenizations/previewText';
import { requestOf } from '../dataset/tokenizations/form';
import { tokenizationName } from '../dataset/tokenizations/name';
import { usePreview } from '../dataset/tokenizations/usePreview';
import type { Dataset, Tokenization } from '../dataset/queries';
import { useDatasetFeed } from '../live/useDatasetFeed';
import { ButtonLink, Card, EmptyState, Field, PageHeader, Problem, Select } from '../ui';
import { compared } from './compared';
import { Lane } from './Lane';
import { ParameterDiff } from './ParameterDiff';

export default function ComparePage() {
  const { id } = useParams({ from: '/datasets/$id/compare' });
  const query = useQuery(datasetQuery(id));
  useDatasetFeed(id);
  if (query.error) return <Problem problem={query.error} title="This dataset cannot be shown" />;
  if (!query.data) return <PendingPage />;
  return (
    <>
      <PageHeader title="Compare two tokenizations">
        of{' '}
        <Link
          to="/datasets/$id/$tab"
          params={{ id, tab: 'tokenizations' }}
          className="text-accent-text underline"
        >
          <bdi>{query.data.name}</bdi>
        </Link>
      </PageHeader>
      <Comparison dataset={query.data} />
    </>
  );
}

function Comparison({ dataset }: { dataset: Dataset }) {
  const search = useSearch({ from: '/datasets/$id/compare' });
  const all = dataset.tokenizations;
  const b = all.find((one) => one.id === search.b) ?? all[0];
  const a = all.find((one) => one.id === search.a) ?? all.find((one) => one.id !== b?.id);
  if (!a || !b) {
    return (
      <EmptyState
        icon="compare"
        title="Two tokenizations are needed"
        actions={
          <ButtonLink
            to="/datasets/$id/$tab"
            params={{ id: dataset.id, tab: 'tokenizations' }}
            variant="primary"
          >
            Start another one
          </ButtonLink>
        }
      >
        This dataset has {all.length === 1 ? 'only one' : 'none'} yet.
      </EmptyState>
    );
  }
  return <Lanes dataset={dataset} a={a} b={b} />;
}

function Lanes({ dataset, a, b }: { dataset: Dataset; a: Tokenization; b: Tokenization }) {
  const [text, setText] = useState(EXAMPLE);
  const previewA = usePreview(requestOf(a.config), text);
  const previewB = usePreview(requestOf(b.config), text);
  // Both must be of the same text before they can be laid beside each other.
  const isSettled = !previewA.isBehind && !previewB.isBehind;
  const result = useMemo(
    () =>
      isSettled && previewA.data && previewB.data ? compared(text, previewA.data, previewB.data) : undefined,
    [isSettled, previewA.data, previewB.data, text],
  );
  return (
    <div className="flex flex-col gap-5">
      <Card className="flex flex-col gap-3 p-4">
        <TextPicker
          dataset={dataset}
          split={b.config.split ?? ''}
          column={b.config.text_column ?? ''}
          text={text}
          onText={setText}
        />
        <p role="status" className="text-sm" data-numeric>
          {result ? summary(result.stretches) : 'Comparing…'}
        </p>
      </Card>
      <div className="grid grid-cols-1 gap-5 lg:grid-cols-2">
        {(
          [
            ['A', 'a', a, previewA],
            ['B', 'b', b, previewB],
          ] as const
        ).map(([side, key, tokenization, preview]) => (
          <Lane
            key={side}
            side={side}
            tokenization={tokenization}
            preview={preview.data}
            marks={result?.[key] ?? []}
          >
            <Picker side={side} all={dataset.tokenizations} value={tokenization.id} />
            {preview.error && <Problem problem={preview.error} title="No preview" compact />}
          </Lane>
        ))}
      </div>
      <p className="text-sm text-muted">
        A wavy line marks tokens that the other side cuts differently; a double line marks tokens that only
        one side keeps.
      </p>
      <ParameterDiff a={a} b={b} />
    </div>
  );
}

function summary(stretches: number): string {
  if (stretches === 0) return 'Both cut and keep this text alike.';
  return `${stretches.toLocaleString('en')} ${stretches === 1 ? 'stretch differs' : 'stretches differ'} between A and B.`;
}

function Picker({ side, all, value }: { side: 'A' | 'B'; all: readonly Tokenization[]; value: string }) {
  const navigate = useNavigate({ from: '/datasets/$id/compare' });
  const choose = (id: string) => {
    const part = side === 'A' ? { a: id } : { b: id };
    void navigate({ search: (before) => ({ ...before, ...part }), replace: true });
  };
  return (
    <Field label={`Tokenization ${side}`} quiet className="mb-2">
      {(wiring) => (
        <Select {...wiring} value={value} onChange={(event) => choose(event.target.value)}>
          {all.map((one) => (
            <option key={one.id} value={one.id}>
              {tokenizationName(one)}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}
