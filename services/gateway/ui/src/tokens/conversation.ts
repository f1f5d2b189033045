// Finds the conversation in a row, in the three forms that tokenizations read.
//
// The same forms as the chat rendering of the tokenization service: lists of {role, content}, of {from, value}, or of
// texts that user and assistant say in turn.

export interface Message {
  role: string;
  text: string;
}

const PREFERRED = ['messages', 'conversations', 'conversation', 'chat', 'dialogue', 'dialog'];

type Row = Record<string, unknown>;

const isRow = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Content is text, or parts of which some are text. */
function contentText(content: unknown): string | undefined {
  if (typeof content === 'string') return content;
  if (content === null || content === undefined) return '';
  if (!Array.isArray(content)) return undefined;
  return content
    .map((part: unknown) =>
      isRow(part) && typeof part['text'] === 'string' ? part['text'] : JSON.stringify(part),
    )
    .join('\n');
}

function message(item: unknown): Message | undefined {
  if (!isRow(item)) return undefined;
  const role = item['role'] ?? item['from'];
  const text = contentText('role' in item ? item['content'] : item['value']);
  return typeof role === 'string' && text !== undefined ? { role, text } : undefined;
}

/** The messages of one value, if it is a conversation. */
export function messagesOf(value: unknown): Message[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  if (value.every((item) => typeof item === 'string')) {
    return value.map((text: string, index) => ({ role: index % 2 === 0 ? 'user' : 'assistant', text }));
  }
  const messages = value.map(message);
  return messages.every((one) => one !== undefined) ? messages : undefined;
}

/** The column of a row that holds a conversation: one with a telling name first; lists of plain texts only then. */
export function conversationColumn(data: Row): string | undefined {
  const columns = Object.keys(data).filter((column) => messagesOf(data[column]));
  const isStructured = (column: string) => Array.isArray(data[column]) && data[column].some(isRow);
  return PREFERRED.find((name) => columns.includes(name)) ?? columns.find(isStructured);
}

export type Speaker = 'user' | 'assistant' | 'system' | 'tool';

/** Who speaks, whatever the dataset calls them. */
export function speakerOf(role: string): Speaker {
  const name = role.toLowerCase();
  if (['assistant', 'gpt', 'bot', 'model', 'chatgpt', 'bing'].includes(name)) return 'assistant';
  if (['system', 'developer'].includes(name)) return 'system';
  if (['tool', 'function', 'ipython', 'observation', 'tool_response'].includes(name)) return 'tool';
  return 'user';
}
