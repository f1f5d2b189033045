// Sends files as a form, and says how much has gone. `fetch` does not tell that.
import type { Schemas } from '../api/client';
import { ApiProblem, unreachable } from '../api/problem';

export interface UploadOrder {
  files: readonly File[];
  name: string;
  text_column: string;
  skipBadRows: boolean;
}

export interface Sending {
  answer: Promise<Schemas['Uploaded']>;
  abort: () => void;
}

export function sendFiles(order: UploadOrder, onProgress: (sent: number, total: number) => void): Sending {
  const form = new FormData();
  // The short parts first, so that a refusal comes before the bytes.
  form.append('name', order.name);
  if (order.text_column !== '') form.append('text_column', order.text_column);
  if (order.skipBadRows) form.append('on_bad_rows', 'skip');
  for (const file of order.files) form.append('files', file, file.name);

  const request = new XMLHttpRequest();
  const answer = new Promise<Schemas['Uploaded']>((resolve, reject) => {
    request.upload.onprogress = ({ loaded, total }) => onProgress(loaded, total);
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(new DOMException('cancelled', 'AbortError'));
    request.onload = () => {
      const { status, response } = request as { status: number; response: unknown };
      if (status >= 200 && status < 300) resolve(response as Schemas['Uploaded']);
      else reject(response === null ? unreachable() : ApiProblem.from(response));
    };
  });
  request.open('POST', '/api/v1/datasets/upload');
  request.responseType = 'json';
  request.send(form);
  return { answer, abort: () => request.abort() };
}

/** A name to begin with: that of the first file, without what says its format. */
export function nameOf(files: readonly Pick<File, 'name'>[]): string {
  const [first] = files;
  return first === undefined
    ? ''
    : first.name.replace(/(\.(parquet|jsonl?|ndjson|csv|tsv|txt|arrow|tar|zip|gz|zst|bz2|xz))+$/i, '');
}
