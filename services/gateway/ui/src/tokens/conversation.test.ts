import { expect, it } from 'vitest';
import { conversationColumn, messagesOf, speakerOf } from './conversation';

it('reads the three forms of a conversation', () => {
  const expected = [{ role: 'user', text: 'Hi' }];
  expect(messagesOf([{ role: 'user', content: 'Hi', extra: 1 }])).toEqual(expected);
  expect(messagesOf([{ from: 'user', value: 'Hi' }])).toEqual(expected);
  expect(messagesOf(['Hi', 'Hello'])).toEqual([...expected, { role: 'assistant', text: 'Hello' }]);
});

it('reads content in parts, and content that is null beside a tool call', () => {
  const parts = [{ type: 'text', text: 'see' }, { type: 'image' }];
  expect(messagesOf([{ role: 'user', content: parts }])?.[0]?.text).toBe('see\n{"type":"image"}');
  expect(messagesOf([{ role: 'assistant', content: null }])?.[0]?.text).toBe('');
});

it('takes nothing else for a conversation', () => {
  for (const value of [
    'text',
    [],
    [1, 2],
    [{ role: 'user' }, 3],
    [{ name: 'x' }],
    null,
    { role: 'user', content: 'x' },
  ]) {
    expect(messagesOf(value), JSON.stringify(value)).toBeUndefined();
  }
});

it('chooses a column with a telling name, and a list of texts only by its name', () => {
  const chat = [{ role: 'user', content: 'x' }];
  expect(conversationColumn({ tags: ['a'], other: chat, messages: chat })).toBe('messages');
  expect(conversationColumn({ tags: ['a', 'b'], other: chat })).toBe('other');
  expect(conversationColumn({ tags: ['a', 'b'] })).toBeUndefined();
  expect(conversationColumn({ dialogue: ['a', 'b'] })).toBe('dialogue');
});

it('knows who speaks', () => {
  expect(['human', 'gpt', 'System', 'tool'].map(speakerOf)).toEqual(['user', 'assistant', 'system', 'tool']);
});
