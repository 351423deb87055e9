// openai-node: chat completions and responses.
import { offersTools, patience, person, picture, question, report, run, tools } from './common.mjs';

const { default: OpenAI } = await import(process.argv[2]);

const connect = (cell) => new OpenAI({ baseURL: `${cell.base}/v1`, apiKey: cell.key, maxRetries: 0, timeout: 20_000 });

async function chat(client, body, stream) {
  if (!stream) {
    const answer = await client.chat.completions.create(body);
    const { message, finish_reason: finish } = answer.choices[0];
    return { message, finish, usage: answer.usage };
  }
  const runner = client.chat.completions.stream({ ...body, stream_options: { include_usage: true } });
  let pieces = 0;
  let reasoning = '';
  const details = [];
  runner.on('chunk', (chunk) => {
    pieces += 1;
    reasoning += chunk.choices[0]?.delta?.reasoning_content ?? '';
    details.push(...(chunk.choices[0]?.delta?.reasoning_details ?? []));
  });
  const answer = await runner.finalChatCompletion();
  const { message, finish_reason: finish } = answer.choices[0];
  return { message: { ...message, reasoning_content: reasoning, reasoning_details: details }, finish, usage: answer.usage, pieces };
}

const calls = (message) =>
  (message.tool_calls ?? []).map((c) => ({ id: c.id, name: c.function.name, args: JSON.parse(c.function.arguments) }));

// returned is an answer as the next request has it, with the reasoning that this protocol has no members for.
function returned({ role, content, tool_calls, reasoning_content: reasoning, reasoning_details: details }) {
  const message = { role, content, tool_calls };
  if (reasoning) message.reasoning_content = reasoning;
  if (details?.length) message.reasoning_details = details;
  return message;
}

async function askChat(client, cell) {
  const body = { model: cell.model, messages: [{ role: 'user', content: question(cell) }] };
  if (offersTools(cell)) body.tools = tools.map((t) => ({ type: 'function', function: t }));
  if (cell.scenario === 'structured') {
    body.response_format = { type: 'json_schema', json_schema: { name: 'person', schema: person, strict: true } };
  }
  if (cell.scenario === 'reasoning') body.reasoning_effort = 'low';
  if (cell.scenario === 'vision') {
    body.messages[0].content = [
      { type: 'text', text: question(cell) },
      { type: 'image_url', image_url: { url: `data:image/png;base64,${picture}` } },
    ];
  }
  if (cell.scenario === 'cancel') return cancelChat(client, body, cell.stream);
  const first = await chat(client, body, cell.stream);
  const seen = {
    text: first.message.content ?? '',
    reasoning: first.message.reasoning_content ?? '',
    calls: calls(first.message),
    finish: first.finish,
    pieces: first.pieces,
    input: first.usage?.prompt_tokens ?? 0,
    output: first.usage?.completion_tokens ?? 0,
    thought: first.usage?.completion_tokens_details?.reasoning_tokens ?? 0,
  };
  if (seen.calls.length > 0) {
    body.messages.push(returned(first.message));
    for (const c of seen.calls) body.messages.push({ role: 'tool', tool_call_id: c.id, content: report(c.name) });
    seen.after = (await chat(client, body, cell.stream)).message.content;
  }
  return seen;
}

async function cancelChat(client, body, stream) {
  const controller = new AbortController();
  const timer = stream ? undefined : setTimeout(() => controller.abort(), patience);
  try {
    const answer = await client.chat.completions.create({ ...body, stream }, { signal: controller.signal });
    let pieces = 0;
    if (stream) {
      for await (const _ of answer) {
        pieces += 1;
        if (pieces === 2) controller.abort();
      }
    }
    return { aborted: controller.signal.aborted, pieces };
  } catch (error) {
    return { aborted: error instanceof OpenAI.APIUserAbortError };
  } finally {
    clearTimeout(timer);
  }
}

async function respond(client, body, stream) {
  if (!stream) return { answer: await client.responses.create(body) };
  const runner = client.responses.stream(body);
  let pieces = 0;
  runner.on('event', () => {
    pieces += 1;
  });
  return { answer: await runner.finalResponse(), pieces };
}

async function askResponses(client, cell) {
  const body = { model: cell.model, input: [{ role: 'user', content: question(cell) }], store: false };
  if (offersTools(cell)) body.tools = tools.map((t) => ({ type: 'function', strict: true, ...t }));
  if (cell.scenario === 'structured') {
    body.text = { format: { type: 'json_schema', name: 'person', schema: person, strict: true } };
  }
  if (cell.scenario === 'reasoning') {
    body.reasoning = { effort: 'low', summary: 'auto' };
    body.include = ['reasoning.encrypted_content'];
  }
  if (cell.scenario === 'vision') {
    body.input[0].content = [
      { type: 'input_text', text: question(cell) },
      { type: 'input_image', image_url: `data:image/png;base64,${picture}`, detail: 'auto' },
    ];
  }
  if (cell.scenario === 'cancel') return cancelResponses(client, body, cell.stream);
  const { answer, pieces } = await respond(client, body, cell.stream);
  const seen = {
    text: answer.output_text,
    reasoning: answer.output
      .filter((o) => o.type === 'reasoning')
      .flatMap((o) => o.summary.map((s) => s.text))
      .join(''),
    calls: answer.output
      .filter((o) => o.type === 'function_call')
      .map((o) => ({ id: o.call_id, name: o.name, args: JSON.parse(o.arguments) })),
    finish: answer.status,
    pieces,
    input: answer.usage?.input_tokens ?? 0,
    output: answer.usage?.output_tokens ?? 0,
    thought: answer.usage?.output_tokens_details?.reasoning_tokens ?? 0,
  };
  if (seen.calls.length > 0) {
    body.input.push(...answer.output);
    for (const c of seen.calls) body.input.push({ type: 'function_call_output', call_id: c.id, output: report(c.name) });
    seen.after = (await respond(client, body, cell.stream)).answer.output_text;
  }
  return seen;
}

async function cancelResponses(client, body, stream) {
  const controller = new AbortController();
  const timer = stream ? undefined : setTimeout(() => controller.abort(), patience);
  try {
    const answer = await client.responses.create({ ...body, stream }, { signal: controller.signal });
    let pieces = 0;
    if (stream) {
      for await (const event of answer) {
        if (event.type === 'response.output_text.delta') pieces += 1;
        if (pieces === 2) controller.abort();
      }
    }
    return { aborted: controller.signal.aborted, pieces };
  } catch (error) {
    return { aborted: error instanceof OpenAI.APIUserAbortError };
  } finally {
    clearTimeout(timer);
  }
}

await run(connect, (client, cell) => (cell.api === 'responses' ? askResponses(client, cell) : askChat(client, cell)));
