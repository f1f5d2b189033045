// The repositories that the stage's Hub serves: real text and tokenizers of the sample data, cut as the tests need them.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PROJECT } from './program';

const SAMPLES = join(PROJECT, '.tools/data/hub');

/** Text, a conversation and numbers; two splits; long enough that both jobs have a middle. */
export const STORY = 'acme/story';
/** Three small splits, for faults. */
export const ENGLISH = 'acme/english';
/** One file that no other repository has, so that it alone can be held up. */
export const SLOW = 'acme/slow';
/** Served only to those who hold {@link GRANTED}. */
export const GATED = 'acme/gated';
export const GRANTED = 'hf_grantedGRANTEDgrantedGRANTEDgrant';
/** Nobody serves it. */
export const UNKNOWN = 'acme/nothing';
export const BERT = 'tokenmill/bert';
export const GPT2 = 'tokenmill/gpt2';
/** A model without a tokenizer.json. */
export const UNSUPPORTED = 'acme/weights';
/** What hostile text looks like: it must be shown, and never do anything. */
export const HOSTILE =
  '<img src=x onerror=alert(1)> </script><b>not bold</b> \u202eright to left\u202c \u0000 end';

interface Row {
  id: number;
  title: string;
  text: string;
}

/** Writes all of it below `root`. */
export function writeRepositories(root: string): void {
  const source = join(SAMPLES, 'datasets/tokenmill/english-docs-jsonl/data/train-00001-of-00003.jsonl');
  if (!existsSync(source)) throw new Error(`no ${source}: run \`make data\``);
  const documents = readFileSync(source, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);

  const talk = documents.map((row) => ({ ...row, messages: conversation(row) }));
  const half = Math.floor(talk.length / 2);
  write(root, STORY, 'train-00000-of-00002', [hostile(), ...talk.slice(0, half), ...talk.slice(0, half)]);
  write(root, STORY, 'train-00001-of-00002', [...talk.slice(half), ...talk.slice(half)]);
  write(root, STORY, 'validation-00000-of-00001', talk.slice(0, 200));

  const third = Math.floor(documents.length / 3);
  for (const [n, split] of ['train', 'validation', 'test'].entries()) {
    write(root, ENGLISH, `${split}-00000-of-00001`, documents.slice(n * third, (n + 1) * third));
  }
  write(root, SLOW, 'train-00000-of-00001', documents.slice(100, 1500));
  write(root, GATED, 'train-00000-of-00001', documents.slice(0, 50));

  for (const name of [BERT, GPT2]) {
    cpSync(join(SAMPLES, 'models', name), join(root, 'models', name), { recursive: true });
  }
  put(root, `models/${UNSUPPORTED}/config.json`, '{"model_type":"t5"}');
  put(root, `models/${UNSUPPORTED}/spiece.model`, 'pieces');
}

/** Where the Hub sends the bytes of a repository's only file from. */
export function bytesPath(root: string, repository: string): string {
  const file = readFileSync(join(root, 'datasets', repository, 'data/train-00000-of-00001.jsonl'));
  return `/lfs/${createHash('sha256').update(file).digest('hex')}`;
}

function conversation({ title, text }: Row) {
  return [
    { role: 'system', content: 'You know the documentation by heart.' },
    { role: 'user', content: `What is ${title}?` },
    { role: 'assistant', content: text.slice(0, 400) },
  ];
}

function hostile() {
  const row = { id: -1, title: HOSTILE, text: HOSTILE };
  return { ...row, messages: conversation(row) };
}

function write(root: string, repository: string, file: string, rows: object[]): void {
  const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  put(root, `datasets/${repository}/data/${file}.jsonl`, lines);
}

function put(root: string, path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
