// The form shows at each field what is wrong with it, and sends only what the user means.
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it, vi } from 'vitest';
import type { Dataset } from '../queries';
import { DEFAULTS } from './form';
import { TokenizeForm } from './TokenizeForm';

const dataset = {
  splits: [{ name: 'train', row_count: 1, size_bytes: 1 }],
  schema: { fields: [{ name: 'text', data_type: 'Utf8', nullable: false }] },
} as unknown as Dataset;

function shown(part: Partial<Parameters<typeof TokenizeForm>[0]> = {}) {
  const props = {
    dataset,
    known: ['org/model'],
    form: DEFAULTS,
    errors: {},
    set: vi.fn(),
    isBusy: false,
    failure: undefined,
    onSubmit: vi.fn(),
    ...part,
  };
  render(<TokenizeForm {...props} />);
  return props;
}

it('says at the field what is wrong with it', () => {
  shown({ errors: { stride: 'must be below max_length (1024), not 4000' } });
  const field = screen.getByLabelText('Stride');
  expect(field).toBeInvalid();
  expect(field).toHaveAccessibleDescription(/must be below max_length \(1024\), not 4000/);
  expect(screen.getByLabelText('Minimum token length')).toBeValid();
});

it('names every setting, and starts by Enter as by the button', async () => {
  const props = shown();
  for (const name of ['Filter special tokens', 'Filter stop words', 'Add special tokens']) {
    expect(screen.getByRole('checkbox', { name })).toBeInTheDocument();
  }
  await userEvent.type(screen.getByLabelText('Tokenizer'), '{Enter}');
  await userEvent.click(screen.getByRole('button', { name: 'Tokenize' }));
  expect(props.onSubmit).toHaveBeenCalledTimes(2);
});

it('does not start twice', async () => {
  const props = shown({ isBusy: true });
  await userEvent.click(screen.getByRole('button', { name: 'Tokenize' }));
  expect(props.onSubmit).not.toHaveBeenCalled();
});

it('shows a failure that belongs to no field, with its next step', () => {
  const failure = {
    reason: 'TOKENIZER_UNSUPPORTED',
    detail: 'no tokenizer.json',
    retryable: false,
    next_step: 'choose another',
  };
  shown({ failure });
  expect(screen.getByRole('alert')).toHaveTextContent(/no tokenizer\.json.*Next: choose another/);
});
