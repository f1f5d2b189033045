// The fields of the tokenization form, each with its help and what is wrong with it.
import type { ReactNode } from 'react';
import { Checkbox, Field, NumberInput, Select, TextArea, TextInput } from '../../ui';
import { HELP, LABELS, type FieldErrors, type FieldName, type TokenizeForm } from './form';

export interface FieldsProps {
  form: TokenizeForm;
  errors: FieldErrors;
  set: <F extends FieldName>(field: F, value: TokenizeForm[F]) => void;
}

type TextField = 'tokenizer_revision' | 'stop_words_language' | 'tokenizer_name';
type NumberField = 'max_length' | 'stride' | 'min_token_length' | 'batch_size';
type Flag = 'filter_special_tokens' | 'filter_stop_words' | 'add_special_tokens' | 'append_eos';

export function TextOf({
  field,
  list,
  form,
  errors,
  set,
}: FieldsProps & { field: TextField; list?: readonly string[] }) {
  const listId = `known-${field}`;
  return (
    <Field label={LABELS[field]} hint={HELP[field]} error={errors[field]}>
      {(wiring) => (
        <>
          <TextInput
            {...wiring}
            value={form[field]}
            onChange={(event) => set(field, event.target.value)}
            list={list ? listId : undefined}
            placeholder={field === 'tokenizer_name' ? 'openai-community/gpt2' : undefined}
            autoComplete="off"
          />
          {list && (
            <datalist id={listId}>
              {list.map((value) => (
                <option key={value} value={value} />
              ))}
            </datalist>
          )}
        </>
      )}
    </Field>
  );
}

export function NumberOf({
  field,
  form,
  errors,
  set,
  disabled,
}: FieldsProps & { field: NumberField; disabled?: boolean }) {
  return (
    <Field label={LABELS[field]} hint={HELP[field]} error={errors[field]}>
      {(wiring) => (
        <NumberInput
          {...wiring}
          min={0}
          disabled={disabled}
          value={form[field]}
          onChange={(event) => set(field, event.target.value)}
        />
      )}
    </Field>
  );
}

export function FlagOf({ field, form, set }: FieldsProps & { field: Flag }) {
  return (
    <Checkbox
      label={LABELS[field]}
      hint={HELP[field]}
      checked={form[field]}
      onChange={(event) => set(field, event.target.checked)}
    />
  );
}

interface ChoiceProps extends FieldsProps {
  field: 'text_column' | 'split' | 'packing';
  children: ReactNode;
}

export function ChoiceOf({ field, form, errors, set, children }: ChoiceProps) {
  return (
    <Field label={LABELS[field]} hint={HELP[field]} error={errors[field]}>
      {(wiring) => (
        <Select {...wiring} value={form[field]} onChange={(event) => set(field, event.target.value as never)}>
          {children}
        </Select>
      )}
    </Field>
  );
}

export function TemplateOf({ form, errors, set }: FieldsProps) {
  return (
    <Field label={LABELS.chat_template} hint={HELP.chat_template} error={errors.chat_template}>
      {(wiring) => (
        <TextArea
          {...wiring}
          rows={3}
          spellCheck={false}
          className="font-mono"
          value={form.chat_template}
          onChange={(event) => set('chat_template', event.target.value)}
        />
      )}
    </Field>
  );
}
