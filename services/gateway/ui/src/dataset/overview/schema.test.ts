import { expect, it } from 'vitest';
import { defaultTextColumn, isText, schemaColumns } from './schema';

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
