// The tab Tokenizations: the form beside its live preview, and the tokenizations that exist.
import { useState } from 'react';
import { ApiProblem } from '../../api/problem';
import { datasetsStore } from '../../store/datasetsStore';
import { toast } from '../../ui';
import { readColumn } from '../overview/schema';
import type { Dataset } from '../queries';
import { changed, DEFAULTS, fieldErrors, formOf, toRequest, type TokenizeForm as Form } from './form';
import { PreviewPanel } from './PreviewPanel';
import { TextPicker } from './TextPicker';
import { EXAMPLE, EXAMPLE_CHAT } from './previewText';
import { TokenizationList } from './TokenizationList';
import { TokenizeForm } from './TokenizeForm';
import { usePreview } from './usePreview';

export default function TokenizationsTab({ dataset }: { dataset: Dataset }) {
  const newest = dataset.tokenizations[0];
  const [form, setForm] = useState<Form>(() => ({
    ...DEFAULTS,
    ...(newest && { tokenizer_name: newest.tokenizer_name }),
  }));
  const [texts, setTexts] = useState({ plain: EXAMPLE, chat: EXAMPLE_CHAT });
  const [failure, setFailure] = useState<ApiProblem>();
  const [isBusy, setBusy] = useState(false);

  const parsed = toRequest(form);
  const request = 'request' in parsed ? parsed.request : undefined;
  const read = readColumn(dataset.schema, form.text_column, form.chat_template !== '');
  const { isChat } = read;
  const text = isChat ? texts.chat : texts.plain;
  const preview = usePreview(request, text, isChat);
  const refused = failure ?? (preview.error ? ApiProblem.from(preview.error) : undefined);
  const errors = 'errors' in parsed ? parsed.errors : fieldErrors(refused?.errors);

  const submit = () => {
    if (!request) return;
    setBusy(true);
    datasetsStore
      .getState()
      .startTokenization(dataset.id, request)
      .then(
        ({ reused }) => {
          setFailure(undefined);
          if (reused) toast.info('This tokenization exists already', 'Nothing was started.');
        },
        (cause: unknown) => setFailure(ApiProblem.from(cause)),
      )
      .finally(() => setBusy(false));
  };
  const isOfFields = failure !== undefined && Object.keys(fieldErrors(failure.errors)).length > 0;
  const known = [...new Set(dataset.tokenizations.map((one) => one.tokenizer_name))];
  return (
    <div className="flex flex-col gap-8">
      <div className="grid grid-cols-1 gap-6 lg:grid-cols-2">
        <div className="min-w-0">
          <h2 className="mb-2 text-lg font-semibold">New tokenization</h2>
          <TokenizeForm
            dataset={dataset}
            known={known}
            form={form}
            errors={errors}
            set={(field, value) => {
              setFailure(undefined);
              setForm((before) => changed(before, field, value));
            }}
            isBusy={isBusy}
            failure={isOfFields ? undefined : failure}
            onSubmit={submit}
          />
        </div>
        <PreviewPanel text={text} preview={preview}>
          <TextPicker
            dataset={dataset}
            split={form.split}
            column={isChat ? (read.name ?? '') : form.text_column}
            text={text}
            isChat={isChat}
            onText={(next) => setTexts((before) => ({ ...before, [isChat ? 'chat' : 'plain']: next }))}
          />
        </PreviewPanel>
      </div>
      <TokenizationList dataset={dataset} onReuse={(tokenization) => setForm(formOf(tokenization.config))} />
    </div>
  );
}
