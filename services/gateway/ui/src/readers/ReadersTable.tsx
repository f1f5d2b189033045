// Who reads over Arrow Flight right now: all of them, or those of a dataset. Streams send no events, so there is a button
// to look again.
import { useQuery } from '@tanstack/react-query';
import { readersQuery } from '../api/queries';
import type { Dataset } from '../api/client';
import { formatCount, formatTime } from '../format';
import { Ago, Button, Problem, Table, Td, Th } from '../ui';
import { rankText, readersIn, readersOf, readsWhat, type Reader } from './readers';

export function ReadersTable({ dataset }: { dataset?: Dataset }) {
  const { data, error, isFetching, refetch } = useQuery({ ...readersQuery(), staleTime: 0 });
  const all = readersIn(data);
  const tokenizations = dataset?.tokenizations.map((one) => one.id) ?? [];
  const readers = dataset ? readersOf(all, dataset.id, tokenizations) : all;
  return (
    <section aria-labelledby="readers">
      <div className="mb-2 flex flex-wrap items-center justify-between gap-2">
        <h2 id="readers" className="text-lg font-semibold">
          Readers
        </h2>
        <Button size="sm" variant="ghost" icon="refresh" busy={isFetching} onClick={() => void refetch()}>
          Look again
        </Button>
      </div>
      {error && <Problem problem={error} title="The readers cannot be listed" compact />}
      {data !== undefined && readers.length === 0 && (
        <p className="text-sm text-muted">
          No training job reads {dataset ? 'this dataset' : 'over Flight'} now.
        </p>
      )}
      {readers.length > 0 && (
        <Table label="Readers">
          <thead>
            <tr>
              <Th>Run</Th>
              <Th>Rank</Th>
              <Th>Reads</Th>
              <Th className="text-right">Step</Th>
              <Th className="text-right">Rows</Th>
              <Th className="text-right">Rows per second</Th>
              <Th>Since</Th>
              <Th>Last seen</Th>
            </tr>
          </thead>
          <tbody>
            {readers.map((reader, n) => (
              <ReaderRow key={n} reader={reader} />
            ))}
          </tbody>
        </Table>
      )}
    </section>
  );
}

function ReaderRow({ reader }: { reader: Reader }) {
  return (
    <tr>
      <Td>
        <bdi>{reader.run_id ?? 'without a name'}</bdi>
      </Td>
      <Td>
        <bdi>{rankText(reader)}</bdi>
      </Td>
      <Td>
        <bdi>{readsWhat(reader)}</bdi>
      </Td>
      <Td className="text-right">{formatCount(reader.step)}</Td>
      <Td className="text-right">{formatCount(reader.rows)}</Td>
      <Td className="text-right">{formatCount(reader.rows_per_second)}</Td>
      <Td className="whitespace-nowrap">{formatTime(reader.opened_at)}</Td>
      <Td className="whitespace-nowrap">
        <Ago at={reader.last_seen_at} />
      </Td>
    </tr>
  );
}
