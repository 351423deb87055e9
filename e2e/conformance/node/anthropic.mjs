// @anthropic-ai/sdk: messages.
import { offersTools, patience, person, picture, question, report, run, tools } from './common.mjs';

const { default: Anthropic } = await import(process.argv[2]);

const connect = (cell) => new Anthropic({ baseURL: cell.base, apiKey: cell.key, maxRetries: 0, timeout: 20_000 });

async function send(client, body, stream) {
  if (!stream) return { answer: await client.messages.create(body) };
  const runner = client.messages.stream(body);
  let pieces = 0;
  runner.on('streamEvent', () => {
    pieces += 1;
  });
  return { answer: await runner.finalMessage(), pieces };
}

const textOf = (answer) =>
  answer.content
    .filter((b) => b.type === 'text')
    .map((b) => b.text)
    .join('');

// inputOf is all that was read: what was cached is counted apart.
const inputOf = (usage) =>
  (usage?.input_tokens ?? 0) + (usage?.cache_read_input_tokens ?? 0) + (usage?.cache_creation_input_tokens ?? 0);

async function ask(client, cell) {
  const body = { model: cell.model, max_tokens: 4096, messages: [{ role: 'user', content: question(cell) }] };
  if (offersTools(cell)) {
    body.tools = tools.map(({ parameters, ...about }) => ({ ...about, input_schema: parameters }));
  }
  if (cell.scenario === 'structured') body.output_config = { format: { type: 'json_schema', schema: person } };
  if (cell.scenario === 'reasoning') body.thinking = { type: 'enabled', budget_tokens: 1024 };
  if (cell.scenario === 'vision') {
    body.messages[0].content = [
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: picture } },
      { type: 'text', text: question(cell) },
    ];
  }
  if (cell.scenario === 'cancel') return cancel(client, body, cell.stream);
  const { answer, pieces } = await send(client, body, cell.stream);
  const seen = {
    text: textOf(answer),
    reasoning: answer.content
      .filter((b) => b.type === 'thinking')
      .map((b) => b.thinking)
      .join(''),
    calls: answer.content.filter((b) => b.type === 'tool_use').map((b) => ({ id: b.id, name: b.name, args: b.input })),
    finish: answer.stop_reason,
    pieces,
    input: inputOf(answer.usage),
    output: answer.usage?.output_tokens ?? 0,
  };
  if (seen.calls.length > 0) {
    body.messages.push({ role: 'assistant', content: answer.content });
    body.messages.push({
      role: 'user',
      content: seen.calls.map((c) => ({ type: 'tool_result', tool_use_id: c.id, content: report(c.name) })),
    });
    seen.after = textOf((await send(client, body, cell.stream)).answer);
  }
  return seen;
}

async function cancel(client, body, stream) {
  const controller = new AbortController();
  const timer = stream ? undefined : setTimeout(() => controller.abort(), patience);
  try {
    const answer = await client.messages.create({ ...body, stream }, { signal: controller.signal });
    let pieces = 0;
    if (stream) {
      for await (const event of answer) {
        if (event.type === 'content_block_delta') pieces += 1;
        if (pieces === 2) controller.abort();
      }
    }
    return { aborted: controller.signal.aborted, pieces };
  } catch (error) {
    return { aborted: error instanceof Anthropic.APIUserAbortError };
  } finally {
    clearTimeout(timer);
  }
}

await run(connect, ask);
