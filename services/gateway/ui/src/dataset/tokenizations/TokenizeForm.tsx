// The form that starts a tokenization: what is asked often at once, the rest folded away.
import type { SubmitEvent } from 'react';
import { Button, Problem } from '../../ui';
import { schemaColumns } from '../overview/schema';
import type { Dataset } from '../queries';
import { ChoiceOf, FlagOf, NumberOf, TemplateOf, TextOf, type FieldsProps } from './TokenizeFields';

interface TokenizeFormProps extends FieldsProps {
  dataset: Dataset;
  /** Tokenizers that were used before. */
  known: readonly string[];
  isBusy: boolean;
  /** A refusal that belongs to no field. */
  failure: unknown;
  onSubmit: () => void;
}

export function TokenizeForm({ dataset, known, isBusy, failure, onSubmit, ...fields }: TokenizeFormProps) {
  const { form } = fields;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    onSubmit();
  };
  return (
    <form onSubmit={submit} aria-label="New tokenization" className="flex flex-col gap-4" noValidate>
      <TextOf field="tokenizer_name" list={known} {...fields} />
      <div className="grid grid-cols-1 gap-4 sm:grid-cols-3">
        <NumberOf field="max_length" {...fields} />
        <NumberOf field="stride" disabled={form.packing === 'concat'} {...fields} />
        <NumberOf field="min_token_length" {...fields} />
      </div>
      <fieldset className="grid grid-cols-1 gap-3 sm:grid-cols-2">
        <legend className="mb-2 text-xs font-medium text-muted">Filters and special tokens</legend>
        <FlagOf field="filter_special_tokens" {...fields} />
        <FlagOf field="filter_stop_words" {...fields} />
        <FlagOf field="add_special_tokens" {...fields} />
        <FlagOf field="append_eos" {...fields} />
      </fieldset>
      <div className="grid grid-cols-1 gap-4 sm:grid-cols-3">
        <ChoiceOf field="packing" {...fields}>
          <option value="none">None: windows</option>
          <option value="concat">Concat: full rows</option>
        </ChoiceOf>
        <ChoiceOf field="split" {...fields}>
          <option value="">Default</option>
          {dataset.splits.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </ChoiceOf>
        <ChoiceOf field="text_column" {...fields}>
          <option value="">Default</option>
          {schemaColumns(dataset.schema).map(({ name, type }) => (
            <option key={name} value={name}>{`${name} (${type})`}</option>
          ))}
        </ChoiceOf>
      </div>
      <details>
        <summary className="text-sm text-accent-text">More settings</summary>
        <div className="mt-3 flex flex-col gap-4">
          <div className="grid grid-cols-1 gap-4 sm:grid-cols-3">
            <TextOf field="tokenizer_revision" {...fields} />
            <TextOf field="stop_words_language" {...fields} />
            <NumberOf field="batch_size" {...fields} />
          </div>
          <TemplateOf {...fields} />
        </div>
      </details>
      {failure !== undefined && <Problem problem={failure} title="The tokenization was not started" />}
      <div>
        <Button type="submit" variant="primary" icon="play" busy={isBusy}>
          Tokenize
        </Button>
      </div>
    </form>
  );
}
