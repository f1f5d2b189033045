// The settings in which two tokenizations differ, side by side.
import { Table, Td, Th } from '../ui';
import type { Tokenization } from '../dataset/queries';
import { differences } from './parameters';

export function ParameterDiff({ a, b }: { a: Tokenization; b: Tokenization }) {
  const rows = differences(a, b);
  if (rows.length === 0) return <p className="text-muted">Both have the same settings.</p>;
  return (
    <div>
      <h2 className="mb-2 text-lg font-semibold">Settings that differ</h2>
      <Table label="Settings that differ">
        <thead>
          <tr>
            <Th>Setting</Th>
            <Th>A</Th>
            <Th>B</Th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <Td>{row.name}</Td>
              <Td>
                <bdi>{row.a}</bdi>
              </Td>
              <Td>
                <bdi>{row.b}</bdi>
              </Td>
            </tr>
          ))}
        </tbody>
      </Table>
    </div>
  );
}
