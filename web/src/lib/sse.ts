import { createParser, type EventSourceMessage } from 'eventsource-parser';

/**
 * Reads server-sent events from the body of a fetch. EventSource itself cannot send the
 * Authorization header. Yields events in order; ends with the stream; throws what reading throws.
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<EventSourceMessage> {
  const ready: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => ready.push(event) });
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      parser.feed(done ? decoder.decode() : decoder.decode(value, { stream: true }));
      while (ready.length > 0) yield ready.shift()!;
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}
