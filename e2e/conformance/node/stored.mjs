// What outlives a call, by the official clients: batches and files of @anthropic-ai/sdk, files in responses and remixes of
// videos of openai. Arguments: the module, anthropic or openai. Environment: GANTRY_URL, GANTRY_KEY. The last word is "ok".
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';

const [, , module, vendor] = process.argv;
const { default: Client, toFile } = await import(module);
const { GANTRY_URL, GANTRY_KEY } = process.env;

async function until(ask, ended) {
  for (;;) {
    const now = await ask();
    if (ended(now)) return now;
    await pause(100);
  }
}

async function all(list) {
  const out = [];
  for await (const one of list) out.push(one);
  return out;
}

const request = (id, model) => ({
  custom_id: id,
  params: { model, max_tokens: 30, messages: [{ role: 'user', content: `Say ${id}.` }] },
});

async function batches(client) {
  const { batches } = client.messages;
  const made = await batches.create({ requests: [request('a', 'sim-chat'), request('b', 'no-such-model')] });
  const ended = await until(
    () => batches.retrieve(made.id),
    (b) => b.processing_status === 'ended',
  );
  assert.deepEqual(ended.request_counts, { processing: 0, succeeded: 1, errored: 1, canceled: 0, expired: 0 });
  const results = Object.fromEntries((await all(await batches.results(made.id))).map((r) => [r.custom_id, r.result]));
  assert.ok(results.a.message.content[0].text.length > 0, 'a message');
  assert.equal(results.b.error.error.type, 'not_found_error');
  assert.deepEqual(
    (await all(batches.list({ limit: 1 }))).map((b) => b.id),
    [made.id],
  );
  await assert.rejects(batches.cancel(made.id), (e) => e.status === 409);
  assert.equal((await batches.delete(made.id)).type, 'message_batch_deleted');
  await assert.rejects(batches.create({ requests: [request('a', 'm'), request('a', 'm')] }), (e) =>
    /requests\.1\.custom_id/.test(e.message),
  );
}

async function messageFiles(client) {
  const { files, messages } = client.beta;
  const names = [];
  for (const name of ['a.txt', 'b.txt']) {
    const file = await files.upload({ file: await toFile(Buffer.from(`This is ${name}.`), name, { type: 'text/plain' }) });
    assert.equal(file.mime_type, 'text/plain');
    names.unshift(file.id);
  }
  assert.deepEqual(
    (await all(files.list({ limit: 1 }))).map((f) => f.id),
    names,
  );
  const document = { type: 'document', source: { type: 'file', file_id: names[0] } };
  const ask = { model: 'sim-chat', max_tokens: 30, messages: [{ role: 'user', content: [document] }] };
  assert.ok((await messages.create(ask)).usage.input_tokens > 3, 'the file counts');
  assert.equal(await (await files.download(names[0])).text(), 'This is b.txt.');
  for (const id of names) assert.equal((await files.delete(id)).type, 'file_deleted');
  await assert.rejects(messages.create(ask), (e) => e.status === 404 && /source\.file_id/.test(e.message));
}

async function responseFiles(client) {
  const file = await client.files.create({ file: await toFile(Buffer.from('A note.'), 'a.txt'), purpose: 'user_data' });
  const ask = { model: 'sim-chat', input: [{ role: 'user', content: [{ type: 'input_file', file_id: file.id }] }] };
  assert.ok((await client.responses.create(ask)).output_text.length > 0, 'an answer');
  await client.files.delete(file.id);
  await assert.rejects(client.responses.create(ask), (e) => e.status === 404 && e.param === 'input[0].content[0].file_id');
}

async function videos(client) {
  const done = (id) =>
    until(
      () => client.videos.retrieve(id),
      (v) => v.status === 'completed',
    );
  const first = await client.videos.create({ model: 'sim-video', prompt: 'A paper boat.', seconds: '1', size: '32x32' });
  await done(first.id);
  const second = await client.videos.remix(first.id, { prompt: 'At night.' });
  assert.equal(second.remixed_from_video_id, first.id);
  assert.equal((await done(second.id)).seconds, '1');
}

if (vendor === 'anthropic') {
  const client = new Client({ baseURL: GANTRY_URL, apiKey: GANTRY_KEY, maxRetries: 0 });
  await batches(client);
  await messageFiles(client);
} else {
  const client = new Client({ baseURL: `${GANTRY_URL}/v1`, apiKey: GANTRY_KEY, maxRetries: 0 });
  await responseFiles(client);
  await videos(client);
}
console.log('ok');
