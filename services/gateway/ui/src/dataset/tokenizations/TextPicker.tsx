// The text of a preview: it is typed, or taken from a row of the dataset and can then be changed.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { Field, NumberInput, Problem, Segmented, TextArea } from '../../ui';
import { defaultTextColumn } from '../overview/schema';
import { rawRow, type Dataset } from '../queries';
import { isTokens } from '../samples/columns';
import { shortened } from './previewText';

type Source = 'text' | 'row';

const SOURCES = [
  { value: 'text', label: 'My text' },
  { value: 'row', label: 'Row of the dataset' },
] as const;

const CHAT_SOURCES = [{ value: 'text', label: 'My conversation' }, SOURCES[1]] as const;

interface TextPickerProps {
  dataset: Dataset;
  /** As chosen in the form; empty for the default. */
  split: string;
  column: string;
  text: string;
  /** Whether the text is a conversation, as JSON. */
  isChat?: boolean;
  onText: (text: string) => void;
}

export function TextPicker({ text, onText, ...from }: TextPickerProps) {
  return (
    <div className="flex flex-col gap-3">
      <SourcePicker {...from} onText={onText} />
      <Field label={from.isChat === true ? 'Preview conversation (JSON)' : 'Preview text'}>
        {(wiring) => (
          <TextArea
            {...wiring}
            dir="auto"
            rows={4}
            value={text}
            onChange={(event) => onText(event.target.value)}
          />
        )}
      </Field>
    </div>
  );
}

function SourcePicker({ dataset, split, column, isChat = false, onText }: Omit<TextPickerProps, 'text'>) {
  const [source, setSource] = useState<Source>('text');
  const [row, setRow] = useState('0');
  const number = /^\d{1,12}$/.test(row) ? Number(row) : undefined;
  const name = column || defaultTextColumn(dataset.schema);
  const from = split || (dataset.splits.find((one) => one.name === 'train') ?? dataset.splits[0])?.name;
  const isWanted = source === 'row' && number !== undefined && dataset.status === 'ready';
  const { data, error } = useQuery({ ...rawRow(dataset.id, from, number ?? 0), enabled: isWanted });

  const sample = data?.samples[0];
  const value = sample && !isTokens(sample) && name !== undefined ? sample.data[name] : undefined;
  const found = isWanted ? shown(value, isChat) : undefined;
  useEffect(() => {
    if (found !== undefined) onText(found);
  }, [found, onText]);
  return (
    <div className="flex flex-wrap items-center gap-3">
      <Segmented
        label="Text of the preview"
        value={source}
        onChange={setSource}
        options={isChat ? CHAT_SOURCES : SOURCES}
      />
      {source === 'row' && (
        <>
          <Field label="Row" quiet className="w-28">
            {(wiring) => (
              <NumberInput {...wiring} min={0} value={row} onChange={(event) => setRow(event.target.value)} />
            )}
          </Field>
          {error && <Problem problem={error} compact />}
          {data && found === undefined && (
            <p className="text-sm text-muted">{missing(sample !== undefined, name, isChat)}</p>
          )}
        </>
      )}
    </div>
  );
}

/** What a cell puts into the field; a conversation is not cut, which would make it none. */
function shown(value: unknown, isChat: boolean): string | undefined {
  if (isChat) return Array.isArray(value) ? JSON.stringify(value, null, 2) : undefined;
  return typeof value === 'string' ? shortened(value) : undefined;
}

function missing(isThere: boolean, column: string | undefined, isChat: boolean): string {
  if (!isThere) return 'There is no such row.';
  if (isChat) return `This row has no conversation in “${column}”.`;
  return column === undefined ? 'No column holds plain text.' : `This row has no plain text in “${column}”.`;
}
