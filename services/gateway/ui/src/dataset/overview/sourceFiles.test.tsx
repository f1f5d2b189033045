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

test('members of archives that were left out are counted and named with their rule', () => {
  const first = [{ path: 'train.zip/notes.txt', rule: 'other_format' }];
  const metadata = { source_files: [file], source_file_count: 1, left_out_members: { count: 1200, first } };
  const { container } = render(<SourceFiles metadata={metadata} />);
  expect(screen.getByText(/1,200 members of archives left out/)).toBeInTheDocument();
  expect(container.querySelector('li')).toHaveTextContent('train.zip/notes.txt: other format');
});
