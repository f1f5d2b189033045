// Who reads over Flight at the moment.
import { useQuery } from '@tanstack/react-query';
import { readersQuery } from '../api/queries';
import { readersIn, readsWhat } from '../dataset/activity/readers';
import { formatCount } from '../format';
import { Ago } from '../ui/Ago';
import { Button } from '../ui/Button';
import { Problem } from '../ui/Problem';
import { Table, Td, Th } from '../ui/Table';

export function ReadersTable() {
  const { data, error, isFetching, refetch } = useQuery({ ...readersQuery(), staleTime: 0 });
  const readers = readersIn(data);
  return (
    <section aria-labelledby="readers" className="mt-8">
      <div className="mb-2 flex items-center justify-between gap-2">
        <h2 id="readers" className="font-semibold">
          Readers
        </h2>
        <Button size="sm" variant="ghost" icon="refresh" busy={isFetching} onClick={() => void refetch()}>
          Look again
        </Button>
      </div>
      {error && <Problem problem={error} title="The readers cannot be listed" compact />}
      {data !== undefined && readers.length === 0 && (
        <p className="text-sm text-muted">No training job reads over Flight at the moment.</p>
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
              <Th className="text-right">Rows/s</Th>
              <Th>Last seen</Th>
            </tr>
          </thead>
          <tbody>
            {readers.map((reader, n) => (
              <tr key={n}>
                <Td>
                  <bdi>{reader.run_id ?? 'without a name'}</bdi>
                </Td>
                <Td>{rankText(reader)}</Td>
                <Td>{readsWhat(reader)}</Td>
                <Td className="text-right">{formatCount(reader.step)}</Td>
                <Td className="text-right">{formatCount(reader.rows)}</Td>
                <Td className="text-right">{formatCount(reader.rows_per_second)}</Td>
                <Td className="whitespace-nowrap">
                  <Ago at={reader.last_seen_at} />
                </Td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
    </section>
  );
}

function rankText({ rank, world_size }: { rank: string | null; world_size: string | null }): string {
  if (rank === null) return '–';
  return world_size === null ? rank : `${rank} of ${world_size}`;
}
