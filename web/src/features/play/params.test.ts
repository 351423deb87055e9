import { expect, it } from 'vitest';
import { changedParams, chatBody, defaultParams } from './params';

const history = [{ role: 'user' as const, content: 'hi' }];

it('sends only what was set', () => {
  expect(chatBody('sim-chat', defaultParams, history)).toEqual({
    model: 'sim-chat',
    messages: history,
  });
});

it('puts the system prompt first and numbers as numbers', () => {
  const params = { system: ' be brief ', temperature: '0', maxTokens: '256' };
  expect(chatBody('m', params, history)).toEqual({
    model: 'm',
    messages: [{ role: 'system', content: 'be brief' }, ...history],
    temperature: 0,
    max_tokens: 256,
  });
  expect(changedParams(params)).toBe(3);
});
