// The columns of a dataset, from the Arrow schema as the catalog keeps it.

export interface SchemaColumn {
  name: string;
  /** Arrow's name of the type, such as `Utf8` or `List<Struct<role: Utf8, content: Utf8>>`. */
  type: string;
  nullable: boolean;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The columns in order; none of what is no schema. */
export function schemaColumns(schema: unknown): SchemaColumn[] {
  const fields = isObject(schema) ? schema['fields'] : undefined;
  return Array.isArray(fields) ? fields.filter(isObject).map(column) : [];
}

function column(field: Record<string, unknown>): SchemaColumn {
  return {
    name: String(field['name']),
    type: typeName(field['data_type']),
    nullable: field['nullable'] === true,
  };
}

function typeName(type: unknown, depth = 0): string {
  if (typeof type === 'string') return type;
  if (!isObject(type)) return 'unknown';
  const [name, inner] = Object.entries(type)[0] ?? ['unknown', undefined];
  if (depth > 3) return `${name}<…>`;
  // A fixed-size list is a pair of its field and its size.
  const field = Array.isArray(inner) && name.endsWith('List') ? (inner[0] as unknown) : inner;
  if (name.endsWith('List') && isObject(field)) return `${name}<${typeName(field['data_type'], depth + 1)}>`;
  if (name === 'Struct' && Array.isArray(inner)) {
    const parts = inner
      .filter(isObject)
      .map((one) => `${String(one['name'])}: ${typeName(one['data_type'], depth + 1)}`);
    return `Struct<${parts.join(', ')}>`;
  }
  const parts = Array.isArray(inner)
    ? inner.filter((part) => part !== null).map((part) => typeName(part, depth + 1))
    : [];
  return parts.length > 0 ? `${name}<${parts.join(', ')}>` : name;
}

/** Whether a column holds plain text. */
export function isText(type: string): boolean {
  return type === 'Utf8' || type === 'LargeUtf8' || type === 'Utf8View';
}

/** Whether a column holds conversations: lists of texts, or of messages in a shape that is known. */
export function isConversation(type: string): boolean {
  const item = /^(?:Large|FixedSize)?List<(.*)>$/.exec(type)?.[1];
  if (item === undefined || isText(item)) return item !== undefined;
  const has = (name: string) => new RegExp(`[<,]\\s*${name}:`).test(item);
  return (has('role') && has('content')) || (has('from') && has('value'));
}

const PREFERRED = ['text', 'content', 'chosen'];
const CONVERSATIONS = ['messages', 'conversations', 'conversation', 'chosen'];
const ID_LIKE = /(^|_)(id|uuid|key|idx|url|hash)$/i;

/** The column of plain text that a tokenization reads when none is named: the rule of the catalog. */
export function defaultTextColumn(schema: unknown): string | undefined {
  return pick(schema, isText, PREFERRED);
}

/** The column that a tokenization reads, and whether it holds conversations, which are read where there is no text or a
 * chat template is given. */
export function readColumn(schema: unknown, chosen: string, hasTemplate = false) {
  const text = hasTemplate ? undefined : defaultTextColumn(schema);
  const name = chosen || (text ?? pick(schema, isConversation, CONVERSATIONS));
  const column = schemaColumns(schema).find((one) => one.name === name);
  return { name, isChat: column !== undefined && isConversation(column.type) };
}

function pick(schema: unknown, is: (type: string) => boolean, preferred: string[]): string | undefined {
  const names = schemaColumns(schema)
    .filter(({ type }) => is(type))
    .map(({ name }) => name);
  const only = names.length === 1 ? names[0] : undefined;
  return preferred.find((name) => names.includes(name)) ?? only ?? names.find((name) => !ID_LIKE.test(name));
}
