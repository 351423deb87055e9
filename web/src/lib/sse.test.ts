import { expect, it } from 'vitest';
import { readEvents } from './sse';

function stream(chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      chunks.forEach((chunk) => controller.enqueue(chunk));
      controller.close();
    },
  });
}

async function collect(chunks: Uint8Array[]) {
  const events = [];
  for await (const event of readEvents(stream(chunks))) events.push(event);
  return events;
}

it('joins events that are cut anywhere, even inside a character', async () => {
  const bytes = new TextEncoder().encode('event: delta\ndata: {"t":"港口"}\n\ndata: [DONE]\n\n');
  for (let cut = 1; cut < bytes.length; cut++) {
    const events = await collect([bytes.slice(0, cut), bytes.slice(cut)]);
    expect(events.map((e) => [e.event, e.data])).toEqual([
      ['delta', '{"t":"港口"}'],
      [undefined, '[DONE]'],
    ]);
  }
});

it('skips comments and joins data lines', async () => {
  const bytes = new TextEncoder().encode(': keep-alive\n\ndata: a\ndata: b\n\n');
  expect((await collect([bytes])).map((e) => e.data)).toEqual(['a\nb']);
});

it('cancels the source when the reader stops early', async () => {
  let cancelled = false;
  const source = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new TextEncoder().encode('data: x\n\n')),
    cancel: () => {
      cancelled = true;
    },
  });
  for await (const event of readEvents(source)) {
    expect(event.data).toBe('x');
    break;
  }
  expect(cancelled).toBe(true);
});
