// Tokens by keyboard and pointer, and hostile text as text.
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeAll, expect, it } from 'vitest';
import { ChatBubbles } from './ChatBubbles';
import { spansOfPreview, spansOfRow } from './spans';
import { TokenText } from './TokenText';
import { VisibleText } from './VisibleText';

beforeAll(() => {
  // jsdom lays nothing out.
  Element.prototype.scrollIntoView = () => undefined;
});

it('tells id and bytes of the token under the cursor, by arrow keys', async () => {
  render(<TokenText label="Tokens" spans={spansOfRow({ input_ids: [5, 6], pieces: [' the', '<0xE2>'] })} />);
  const list = screen.getByRole('listbox', { name: 'Tokens' });
  await userEvent.tab();
  expect(list).toHaveFocus();
  await userEvent.keyboard('{ArrowRight}{ArrowRight}');
  expect(screen.getAllByRole('option')[1]).toHaveAttribute('aria-selected', 'true');
  expect(screen.getByText(/id 6 · bytes E2/)).toBeInTheDocument();
  await userEvent.keyboard('{Home}');
  expect(screen.getByText(/id 5 · bytes 20 74 68 65/)).toBeInTheDocument();
});

it('shows by word which rule drops a token', () => {
  const the = {
    id: 1,
    piece: 'the',
    bytes: [116, 104, 101],
    special: false,
    dropped_by: 'stop_word' as const,
  };
  render(<TokenText label="Tokens" spans={spansOfPreview([the])} />);
  expect(screen.getByRole('option')).toHaveTextContent('thestop');
});

it('draws some tokens of a long text, and more when asked', async () => {
  const many = {
    input_ids: Array.from({ length: 50 }, (_, n) => n),
    pieces: Array.from({ length: 50 }, () => 'a'),
  };
  render(<TokenText label="Tokens" spans={spansOfRow(many)} limit={10} />);
  expect(screen.getAllByRole('option')).toHaveLength(10);
  await userEvent.click(screen.getByRole('button', { name: /Show more of 50/ }));
  expect(screen.getAllByRole('option')).toHaveLength(30);
});

it('makes no elements of what a dataset says', () => {
  const text = '<img src=x onerror=alert(1)>\u202e\u0000<b>not bold</b>';
  const { container } = render(
    <>
      <VisibleText text={text} />
      <ChatBubbles messages={[{ role: '<i>user</i>', text }]} />
      <TokenText label="Tokens" spans={spansOfRow({ input_ids: [1], pieces: [text] })} />
    </>,
  );
  expect(container.querySelector('img, b, i')).toBeNull();
  expect(container.textContent).toContain('<b>not bold</b>');
  expect(container.textContent).toContain('U+202E');
  expect(container.textContent).not.toContain('\u202e');
});
