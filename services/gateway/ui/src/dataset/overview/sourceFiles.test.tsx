import { render, screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import { SourceFiles } from './SourceFiles';

const file = { path: 'data/train.jsonl', size_bytes: 2000, split: 'train' };

test('rows that were skipped are counted, and the first are named', () => {
  const first = [{ file: 'data/train.jsonl', line: 1204, why: 'EOF while parsing a string' }];
  const metadata = { source_files: [file], source_file_count: 1, skipped_rows: { count: 4300, first } };
  const { container } = render(<SourceFiles metadata={metadata} />);
  expect(screen.getByText(/4,300 rows skipped/)).toBeInTheDocument();
  const [row, more] = container.querySelectorAll('li');
  expect(row).toHaveTextContent('data/train.jsonl, line 1,204: EOF while parsing a string');
  expect(more).toHaveTextContent('and 4,299 more');
});

test('nothing is said of skipped rows where there are none', () => {
  render(<SourceFiles metadata={{ source_files: [file], source_file_count: 1 }} />);
  expect(screen.queryByText(/skipped/)).toBeNull();
});
