import { expect, it } from 'vitest';
import { defaultTextColumn, isConversation, isText, readColumn, schemaColumns } from './schema';

const field = (name: string, data_type: unknown) => ({ name, data_type, nullable: true });
const types = (...list: unknown[]) =>
  schemaColumns({ fields: list.map((type, index) => field(`c${index}`, type)) }).map((column) => column.type);

it('writes nested types as Arrow does', () => {
  const struct = { Struct: [field('role', 'Utf8'), field('content', 'LargeUtf8')] };
  expect(types('Int64', { List: field('item', struct) }, { Timestamp: ['Microsecond', null] })).toEqual([
    'Int64',
    'List<Struct<role: Utf8, content: LargeUtf8>>',
    'Timestamp<Microsecond>',
  ]);
  expect(types({ FixedSizeList: [field('item', 'Float32'), 8] })).toEqual(['FixedSizeList<Float32>']);
});

it('makes nothing of what is no schema', () => {
  expect([null, {}, { fields: 3 }, 'x'].map(schemaColumns)).toEqual([[], [], [], []]);
});

it('chooses the text column as the catalog does', () => {
  const choose = (...names: string[]) =>
    defaultTextColumn({ fields: names.map((name) => field(name, 'Utf8')) });
  expect(choose('title', 'text')).toBe('text');
  expect(choose('doc_id', 'body', 'notes')).toBe('body');
  expect(choose('url')).toBe('url');
  expect(choose()).toBeUndefined();
  expect(isText('Binary')).toBe(false);
});

it('knows conversations, and reads them where there is no plain text', () => {
  const list = (...fields: unknown[]) => ({ List: field('item', { Struct: fields }) });
  const openAi = list(field('role', 'Utf8'), field('content', 'Utf8'), field('name', 'Utf8'));
  const shareGpt = list(field('from', 'Utf8'), field('value', 'Utf8'));
  const spans = list(field('start', 'Int64'), field('contents', 'Utf8'));
  const all = types(openAi, shareGpt, { LargeList: field('item', 'LargeUtf8') }, spans, 'Utf8');
  expect(all.map(isConversation)).toEqual([true, true, true, false, false]);
  const chat = { fields: [field('id', 'Int64'), field('spans', spans), field('talk', shareGpt)] };
  expect(readColumn(chat, '')).toEqual({ name: 'talk', isChat: true });
  expect(readColumn(chat, 'spans')).toEqual({ name: 'spans', isChat: false });
  const both = { fields: [field('messages', openAi), field('prompt', 'Utf8')] };
  expect(readColumn(both, '')).toEqual({ name: 'prompt', isChat: false });
  expect(readColumn(both, 'messages')).toEqual({ name: 'messages', isChat: true });
  expect(readColumn(both, '', true)).toEqual({ name: 'messages', isChat: true });
});
