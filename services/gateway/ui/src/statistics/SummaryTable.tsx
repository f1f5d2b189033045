// The figures of a tokenization, each with its unit.
import { formatBytes, formatCount, formatPercent } from '../format';
import { Fact } from '../ui';
import type { Statistics } from './queries';

export function SummaryTable({ statistics: s }: { statistics: Statistics }) {
  const perByte = s.tokens_per_byte?.toFixed(3) ?? 'not counted';
  const mean = s.total_sequences > 0 ? (s.total_tokens / s.total_sequences).toFixed(1) : 'none';
  const used =
    s.vocab_size > 0
      ? `, ${formatPercent(s.unique_tokens / s.vocab_size)} of ${formatCount(s.vocab_size)}`
      : '';
  return (
    <dl
      aria-label="Summary"
      className="grid grid-cols-2 gap-4 rounded-lg border border-line bg-surface p-4 shadow-card md:grid-cols-4"
    >
      <Fact name="Tokens">{formatCount(s.total_tokens)}</Fact>
      <Fact name="Sequences">{formatCount(s.total_sequences)}</Fact>
      <Fact name="Tokens per sequence, mean">{mean}</Fact>
      <Fact name="Ids that occur">{formatCount(s.unique_tokens) + used}</Fact>
      <Fact name="Documents">{formatCount(s.documents_in)}</Fact>
      <Fact name="Documents without tokens">{formatCount(s.documents_empty)}</Fact>
      <Fact name="Text">{formatBytes(s.text_bytes)}</Fact>
      <Fact name="Tokens per byte of text">{perByte}</Fact>
      <Fact name="Ids that never occur">{formatCount(s.unused_tokens)}</Fact>
    </dl>
  );
}
