// The REST surface, for what a test arranges beforehand and what it checks afterwards.
import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';

export interface Problem {
  reason: string;
  detail: string;
  next_step?: string;
}

export interface Tokenization {
  id: string;
  status: string;
  tokenizer_name: string;
  num_sequences: number;
}

export interface Dataset {
  id: string;
  name: string;
  status: string;
  row_count: number;
  error?: Problem;
  tokenizations: Tokenization[];
}

export interface Statistics {
  total_sequences: number;
  total_tokens: number;
  vocab_distribution: { token_id: number; count: number }[];
}

/** A row of tokens. */
export interface Sequence {
  input_ids: number[];
}

export class Api {
  constructor(readonly base: string) {}

  async call<T>(method: string, path: string, body?: object): Promise<T> {
    const headers = { 'content-type': 'application/json' };
    return this.send<T>(method, path, body && { headers, body: JSON.stringify(body) });
  }

  async status(path: string): Promise<number> {
    return (await fetch(`${this.base}/api/v1${path}`)).status;
  }

  dataset(id: string): Promise<Dataset> {
    return this.call('GET', `/datasets/${id}`);
  }

  async find(name: string): Promise<Dataset> {
    const { items } = await this.call<{ items: Dataset[] }>(
      'GET',
      `/datasets?q=${encodeURIComponent(name)}&limit=200`,
    );
    const found = items.find((item) => item.name === name);
    if (!found) throw new Error(`no dataset has the name ${name}`);
    return this.dataset(found.id);
  }

  create(repo_id: string, name: string): Promise<Dataset> {
    return this.call('POST', '/datasets', { repo_id, name });
  }

  async download(id: string): Promise<string> {
    return (await this.call<{ job_id: string }>('POST', `/datasets/${id}/download`, {})).job_id;
  }

  /** Registers, downloads and waits until it is ready. */
  async ingest(repo: string, name: string): Promise<Dataset> {
    const { id } = await this.create(repo, name);
    await this.download(id);
    return this.until(id, ({ status }) => status === 'ready');
  }

  /** Starts a tokenization and waits until it is ready. */
  async tokenize(id: string, tokenizer_name: string, more: object = {}): Promise<string> {
    const body = { tokenizer_name, max_length: 128, stride: 16, split: 'validation', ...more };
    const started = await this.call<{ tokenization_id: string }>('POST', `/datasets/${id}/tokenize`, body);
    await this.until(id, ({ tokenizations }) =>
      tokenizations.some((one) => one.id === started.tokenization_id && one.status === 'ready'),
    );
    return started.tokenization_id;
  }

  async upload(name: string, file: string): Promise<Dataset> {
    const form = new FormData();
    form.append('name', name);
    form.append('files', await openAsBlob(file), basename(file));
    const { dataset } = await this.send<{ dataset: Dataset }>('POST', '/datasets/upload', { body: form });
    return this.until(dataset.id, ({ status }) => status === 'ready');
  }

  statistics(id: string, tokenization: string): Promise<Statistics> {
    return this.call('GET', `/datasets/${id}/statistics?tokenization_id=${tokenization}`);
  }

  /** The first rows of a tokenization. */
  async sequences(id: string, tokenization: string): Promise<Sequence[]> {
    const path = `/datasets/${id}/samples?tokenization_id=${tokenization}&limit=3`;
    return (await this.call<{ samples: Sequence[] }>('GET', path)).samples;
  }

  /** Looks until the dataset is as it should be; a failure that was not waited for ends the wait. */
  async until(id: string, holds: (dataset: Dataset) => boolean, within = 120_000): Promise<Dataset> {
    const deadline = Date.now() + within;
    for (;;) {
      const dataset = await this.dataset(id);
      if (holds(dataset)) return dataset;
      if (dataset.status === 'failed')
        throw new Error(`${dataset.name} failed: ${JSON.stringify(dataset.error)}`);
      if (Date.now() > deadline) throw new Error(`not within ${within / 1000} s: ${JSON.stringify(dataset)}`);
      await new Promise((wake) => setTimeout(wake, 100));
    }
  }

  private async send<T>(method: string, path: string, init?: RequestInit): Promise<T> {
    const answer = await fetch(`${this.base}/api/v1${path}`, { method, ...init });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text ? JSON.parse(text) : undefined) as T;
  }
}
