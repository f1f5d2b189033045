// Who reads the dataset over Arrow Flight right now. Streams send no events, so there is a button to look again.
import { useQuery } from '@tanstack/react-query';
import { readersQuery } from '../../api/queries';
import { formatCount, formatTime } from '../../format';
import { Button, Problem, Table, Td, Th } from '../../ui';
import type { Dataset } from '../queries';
import { readersIn, readersOf, readsWhat, type Reader } from './readers';

export function ReadersTable({ dataset }: { dataset: Dataset }) {
  const query = useQuery({ ...readersQuery(), staleTime: 0 });
  const tokenizations = dataset.tokenizations.map((one) => one.id);
  const readers = readersOf(readersIn(query.data), dataset.id, tokenizations);
  return (
    <section aria-labelledby="activity-readers">
      <div className="mb-2 flex flex-wrap items-center justify-between gap-2">
        <h2 id="activity-readers" className="text-lg font-semibold">
          Readers
        </h2>
        <Button size="sm" icon="refresh" busy={query.isFetching} onClick={() => void query.refetch()}>
          Look again
        </Button>
      </div>
      {query.error ? (
        <Problem problem={query.error} title="Readers are not known" compact />
      ) : readers.length === 0 ? (
        <p className="text-sm text-muted">No training job reads this dataset now.</p>
      ) : (
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
            </tr>
          </thead>
          <tbody>
            {readers.map((reader, index) => (
              <ReaderRow key={index} reader={reader} />
            ))}
          </tbody>
        </Table>
      )}
    </section>
  );
}

function ReaderRow({ reader }: { reader: Reader }) {
  const { run_id, rank, world_size, step, rows, rows_per_second, opened_at } = reader;
  return (
    <tr>
      <Td>
        <bdi>{run_id ?? 'without a name'}</bdi>
      </Td>
      <Td>
        <bdi>{rank === null ? '–' : world_size === null ? rank : `${rank} of ${world_size}`}</bdi>
      </Td>
      <Td>
        <bdi>{readsWhat(reader)}</bdi>
      </Td>
      <Td className="text-right">{formatCount(step)}</Td>
      <Td className="text-right">{formatCount(rows)}</Td>
      <Td className="text-right">{formatCount(rows_per_second)}</Td>
      <Td>{formatTime(opened_at)}</Td>
    </tr>
  );
}
