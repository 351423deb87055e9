// @google/genai: generateContent.
import { offersTools, patience, person, picture, question, report, run, tools } from './common.mjs';

const { GoogleGenAI } = await import(process.argv[2]);

const connect = (cell) => new GoogleGenAI({ apiKey: cell.key, httpOptions: { baseUrl: cell.base, timeout: 20_000 } });

// merge makes one answer of the pieces of a stream.
async function send(client, request, stream) {
  if (!stream) {
    const answer = await client.models.generateContent(request);
    const { content, finishReason } = answer.candidates[0];
    return { parts: content.parts ?? [], finish: finishReason, usage: answer.usageMetadata };
  }
  const parts = [];
  let finish;
  let usage;
  let pieces = 0;
  for await (const chunk of await client.models.generateContentStream(request)) {
    pieces += 1;
    parts.push(...(chunk.candidates?.[0]?.content?.parts ?? []));
    finish = chunk.candidates?.[0]?.finishReason ?? finish;
    usage = chunk.usageMetadata ?? usage;
  }
  return { parts, finish, usage, pieces };
}

const textOf = (parts, thought) =>
  parts
    .filter((p) => p.text !== undefined && Boolean(p.thought) === thought)
    .map((p) => p.text)
    .join('');

async function ask(client, cell) {
  const request = {
    model: cell.model,
    contents: [{ role: 'user', parts: [{ text: question(cell) }] }],
    config: {},
  };
  if (offersTools(cell)) {
    request.config.tools = [
      { functionDeclarations: tools.map(({ parameters, ...about }) => ({ ...about, parametersJsonSchema: parameters })) },
    ];
  }
  if (cell.scenario === 'structured') {
    request.config.responseMimeType = 'application/json';
    request.config.responseJsonSchema = person;
  }
  if (cell.scenario === 'reasoning') request.config.thinkingConfig = { includeThoughts: true, thinkingBudget: 1024 };
  if (cell.scenario === 'vision') request.contents[0].parts.push({ inlineData: { mimeType: 'image/png', data: picture } });
  if (cell.scenario === 'cancel') return cancel(client, request, cell.stream);
  const { parts, finish, usage, pieces } = await send(client, request, cell.stream);
  const seen = {
    text: textOf(parts, false),
    reasoning: textOf(parts, true),
    calls: parts.filter((p) => p.functionCall).map(({ functionCall: c }) => ({ id: c.id, name: c.name, args: c.args })),
    finish,
    pieces,
    input: usage?.promptTokenCount ?? 0,
    output: (usage?.candidatesTokenCount ?? 0) + (usage?.thoughtsTokenCount ?? 0),
    thought: usage?.thoughtsTokenCount ?? 0,
  };
  if (seen.calls.length > 0) {
    request.contents.push({ role: 'model', parts });
    request.contents.push({
      role: 'user',
      parts: seen.calls.map((c) => ({
        functionResponse: { id: c.id, name: c.name, response: { result: report(c.name) } },
      })),
    });
    seen.after = textOf((await send(client, request, cell.stream)).parts, false);
  }
  return seen;
}

async function cancel(client, request, stream) {
  const controller = new AbortController();
  const timer = stream ? undefined : setTimeout(() => controller.abort(), patience);
  request.config.abortSignal = controller.signal;
  try {
    let pieces = 0;
    if (stream) {
      for await (const _ of await client.models.generateContentStream(request)) {
        pieces += 1;
        if (pieces === 2) controller.abort();
      }
    } else {
      await client.models.generateContent(request);
    }
    return { aborted: controller.signal.aborted, pieces };
  } catch (error) {
    return { aborted: controller.signal.aborted || error?.name === 'AbortError' };
  } finally {
    clearTimeout(timer);
  }
}

await run(connect, ask);
