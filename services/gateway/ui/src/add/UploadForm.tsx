// A dataset of files from this computer: drop or pick them, name it, send.
import { useNavigate } from '@tanstack/react-router';
import { useRef, useState, type SyntheticEvent } from 'react';
import { ApiProblem } from '../api/problem';
import { formatBytes, formatPercent, plural } from '../format';
import { outdate } from '../store/cache';
import { Button, IconButton } from '../ui/Button';
import { Checkbox, Field, TextInput } from '../ui/Field';
import { Icon } from '../ui/Icon';
import { Problem } from '../ui/Problem';
import { Progress } from '../ui/Progress';
import { useDroppedFiles } from './droppedFiles';
import { nameOf, sendFiles, type Sending } from './upload';

const FORMATS = '.parquet,.jsonl,.json,.ndjson,.csv,.tsv,.txt,.arrow,.tar,.zip,.gz,.zst,.bz2,.xz';

export function UploadForm() {
  const { files } = useDroppedFiles();
  const [name, setName] = useState<string>();
  const [column, setColumn] = useState('');
  const [skipBadRows, setSkipBadRows] = useState(false);
  const [sent, setSent] = useState<{ done: number; total: number }>();
  const [problem, setProblem] = useState<ApiProblem>();
  const sending = useRef<Sending>(undefined);
  const navigate = useNavigate();
  const shownName = name ?? nameOf(files);

  const take = (more: readonly File[]) => {
    const known = new Set(files.map((file) => file.name));
    useDroppedFiles.setState({ files: [...files, ...more.filter((file) => !known.has(file.name))] });
  };
  const send = async (event: SyntheticEvent) => {
    event.preventDefault();
    setProblem(undefined);
    setSent({ done: 0, total: files.reduce((sum, file) => sum + file.size, 0) });
    const order = { files, name: shownName, text_column: column, skipBadRows };
    sending.current = sendFiles(order, (done, total) => setSent({ done, total }));
    try {
      const { dataset } = await sending.current.answer;
      useDroppedFiles.setState({ files: [] });
      outdate(dataset.id);
      await navigate({ to: '/datasets/$id/$tab', params: { id: dataset.id, tab: 'overview' } });
    } catch (cause) {
      if (!(cause instanceof DOMException)) setProblem(ApiProblem.from(cause));
    } finally {
      setSent(undefined);
    }
  };
  return (
    <form onSubmit={(event) => void send(event)} className="space-y-4" noValidate>
      <PickFiles onPick={take} />
      {files.length > 0 && <Picked files={files} onDrop={(files) => useDroppedFiles.setState({ files })} />}
      <Field label="Dataset name" error={problem?.of('name')}>
        {(wiring) => (
          <TextInput {...wiring} value={shownName} onChange={(event) => setName(event.target.value)} />
        )}
      </Field>
      <Field
        label="Text column"
        error={problem?.of('text_column')}
        hint="What tokenizations read by default."
      >
        {(wiring) => (
          <TextInput
            {...wiring}
            placeholder="found by itself"
            value={column}
            onChange={(event) => setColumn(event.target.value.trim())}
          />
        )}
      </Field>
      <Checkbox
        label="Skip bad rows"
        hint="Those that cannot be read are left out and counted."
        checked={skipBadRows}
        onChange={(event) => setSkipBadRows(event.target.checked)}
      />
      {problem !== undefined && <Problem problem={problem} compact />}
      {sent === undefined ? (
        <Button
          type="submit"
          icon="upload"
          disabled={files.length === 0 || shownName === ''}
          className="w-full"
        >
          Upload {files.length > 0 && plural(files.length, 'file')}
        </Button>
      ) : (
        <Sent {...sent} onCancel={() => sending.current?.abort()} />
      )}
    </form>
  );
}

function PickFiles({ onPick }: { onPick: (files: File[]) => void }) {
  return (
    <Field
      label="Files"
      hint="Parquet, JSON Lines, CSV, TSV, text, Arrow, tar or zip; the text ones also compressed. A name with test or validation in it makes a split."
    >
      {(wiring) => (
        <input
          {...wiring}
          type="file"
          multiple
          accept={FORMATS}
          onChange={(event) => {
            onPick([...(event.target.files ?? [])]);
            // So that the same file can be picked again after it was taken away.
            event.target.value = '';
          }}
          className="w-full rounded-md border border-dashed border-field bg-canvas p-2 text-xs text-muted file:mr-3 file:h-7 file:cursor-pointer file:rounded-md file:border file:border-line-strong file:bg-surface file:px-2.5 file:font-medium file:text-ink hover:file:bg-hover"
        />
      )}
    </Field>
  );
}

function Picked({ files, onDrop }: { files: readonly File[]; onDrop: (files: File[]) => void }) {
  return (
    <ul aria-label="Files to send" className="divide-y divide-line rounded-md border border-line">
      {files.map((file) => (
        <li key={file.name} className="flex items-center gap-2 py-0.5 pr-1 pl-2.5 text-xs">
          <Icon name="file" size={13} className="text-muted" />
          <bdi className="min-w-0 flex-1 truncate">{file.name}</bdi>
          <span data-numeric="" className="text-muted">
            {formatBytes(file.size)}
          </span>
          <IconButton
            icon="close"
            size="sm"
            label={`Leave out ${file.name}`}
            onClick={() => onDrop(files.filter((one) => one !== file))}
          />
        </li>
      ))}
    </ul>
  );
}

function Sent({ done, total, onCancel }: { done: number; total: number; onCancel: () => void }) {
  const percent = total > 0 ? (100 * done) / total : undefined;
  const text = `${formatBytes(done)} of ${formatBytes(total)}`;
  return (
    <div className="space-y-2">
      <Progress label="Upload" percent={percent} text={text} />
      <div className="flex items-center justify-between gap-2 text-xs text-muted" data-numeric="">
        <span>
          {done >= total && total > 0
            ? 'Sent; the server checks it'
            : `${text} · ${formatPercent((percent ?? 0) / 100, 0)}`}
        </span>
        <Button size="sm" onClick={onCancel}>
          Stop
        </Button>
      </div>
    </div>
  );
}
