// What the filters removed most often, by the rule that did.
import { formatCount } from '../format';
import { RULE_WORDS } from '../tokens/spans';
import { Card, Table, Td, Th } from '../ui';
import type { Statistics } from './queries';
import { readable } from './spelling';

export function DroppedTokens({ statistics }: { statistics: Statistics }) {
  const dropped = statistics.dropped_examples;
  if (dropped.length === 0) return null;
  const tokens = readable(dropped.map((one) => one.token));
  return (
    <Card className="p-4">
      <h2 className="mb-2 font-semibold">Tokens dropped most often</h2>
      <Table label="Tokens dropped most often">
        <thead>
          <tr>
            <Th>Token</Th>
            <Th>Id</Th>
            <Th>Dropped as</Th>
            <Th>Times</Th>
          </tr>
        </thead>
        <tbody>
          {dropped.map((one, index) => (
            <tr key={one.token_id}>
              <Td>
                <bdi>{tokens[index]}</bdi>
              </Td>
              <Td>{one.token_id}</Td>
              <Td>{RULE_WORDS[one.rule]}</Td>
              <Td>{formatCount(one.count)}</Td>
            </tr>
          ))}
        </tbody>
      </Table>
    </Card>
  );
}
