// OpenAI's own client for Node, pointed at Gantry: chat (buffered, streamed, tools), embeddings and errors.
// Environment: GANTRY_URL, GANTRY_KEY, CHAT_MODEL, EMBEDDING_MODEL. Ends with code 1 and a reason when anything is off.
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const { GANTRY_URL, GANTRY_KEY, CHAT_MODEL, EMBEDDING_MODEL } = process.env;
const client = new OpenAI({ baseURL: `${GANTRY_URL}/v1`, apiKey: GANTRY_KEY, maxRetries: 0 });
const messages = [{ role: 'user', content: 'Tell me about harbour cranes.' }];
const ask = { model: CHAT_MODEL, max_completion_tokens: 200, messages };

const whole = await client.chat.completions.create(ask);
assert.ok(whole.choices[0].message.content.length > 0, 'buffered content');
assert.ok(whole.usage.total_tokens > 0, 'buffered usage');

for (const wantsUsage of [false, true]) {
  const stream = await client.chat.completions.create({
    ...ask,
    stream: true,
    ...(wantsUsage && { stream_options: { include_usage: true } }),
  });
  let text = '';
  let usage = null;
  let finish = null;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? '';
    finish = chunk.choices[0]?.finish_reason ?? finish;
    usage = chunk.usage ?? usage;
  }
  assert.ok(text.length > 0, 'streamed content');
  assert.ok(finish, 'finish reason');
  assert.equal(usage !== null, wantsUsage, 'usage only when asked for');
}

const tools = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  },
];
const question = { role: 'user', content: 'What is the weather in Kyiv? Use get_weather.' };
const called = await client.chat.completions.create({ ...ask, messages: [question], tools, tool_choice: 'required' });
const call = called.choices[0].message.tool_calls[0];
assert.equal(call.function.name, 'get_weather');
assert.equal(typeof JSON.parse(call.function.arguments), 'object', 'arguments of the tool call');
const answered = await client.chat.completions.create({
  ...ask,
  tools,
  messages: [question, called.choices[0].message, { role: 'tool', tool_call_id: call.id, content: '{"celsius":21}' }],
});
assert.ok(answered.choices[0].message.content.length > 0, 'answer to the tool');

const vectors = await client.embeddings.create({ model: EMBEDDING_MODEL, input: ['one', 'two'] });
assert.equal(vectors.data.length, 2);
assert.ok(vectors.data[0].embedding.length > 0, 'embedding');
assert.ok(vectors.usage.prompt_tokens > 0, 'embedding usage');

await assert.rejects(client.chat.completions.create({ ...ask, model: 'no-such-model' }), (e) => {
  assert.ok(e instanceof OpenAI.NotFoundError);
  assert.equal(e.code, 'model_not_found');
  return true;
});
await assert.rejects(client.chat.completions.create({ ...ask, messages: [] }), OpenAI.BadRequestError);
await assert.rejects(
  new OpenAI({ baseURL: `${GANTRY_URL}/v1`, apiKey: 'sk-nobody', maxRetries: 0 }).chat.completions.create(ask),
  OpenAI.AuthenticationError,
);
console.log('ok');
