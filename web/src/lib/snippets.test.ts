import { describe, expect, it } from 'vitest';
import { languages, snippet } from './snippets';

const call = {
  origin: 'http://127.0.0.1:8080',
  apiKey: 'sk-abc_secret',
  body: {
    model: 'sim-chat',
    messages: [{ role: 'user', content: 'It\'s "quoted" `here`' }],
    stream: true,
  },
};

describe.each(languages)('%s', (language) => {
  it('carries origin, key and model', () => {
    const code = snippet(language, call);
    expect(code).toContain(call.origin);
    expect(code).toContain(call.apiKey);
    expect(code).toContain('sim-chat');
  });
});

it('quotes for the shell', () => {
  expect(snippet('curl', call)).toContain(`It'\\''s \\"quoted\\"`);
});

it('avoids a raw string when the text holds a backtick', () => {
  expect(snippet('go', call)).toContain('strings.NewReader("{');
});
