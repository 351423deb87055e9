/** Where an answer came from; shown in diagnostics only. */
export type Surface = 'gateway' | 'console' | 'relay';

/**
 * Any failed call, in one shape. `status` 0 means that no answer came at all.
 * `code` is stable and translated by the console; `message` is the server's English sentence.
 */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: string;
  readonly status: number;
  readonly surface: Surface;
  readonly requestId?: string;
  /** The field at fault, dotted. */
  readonly path?: string;
  /** Seconds to wait, from Retry-After. */
  readonly retryAfter?: number;

  constructor(fields: ProblemFields) {
    super(fields.message);
    this.code = fields.code;
    this.status = fields.status;
    this.surface = fields.surface;
    this.requestId = fields.requestId;
    this.path = fields.path;
    this.retryAfter = fields.retryAfter;
  }
}

export interface ProblemFields {
  code: string;
  message: string;
  status: number;
  surface: Surface;
  requestId?: string;
  path?: string;
  retryAfter?: number;
}

/** Reads the error of an answer: the gateway's envelope, OpenAI's, or none at all. */
export function problemFrom(response: Response, body: unknown, surface: Surface): Problem {
  const error = record(record(body).error);
  const wait = Number(response.headers.get('Retry-After'));
  return new Problem({
    code: text(error.code) ?? text(error.type) ?? `http_${response.status}`,
    message: text(error.message) ?? response.statusText,
    status: response.status,
    surface,
    requestId: text(error.requestId) ?? response.headers.get('X-Request-Id') ?? undefined,
    path: text(error.path) ?? text(error.param),
    retryAfter: wait > 0 ? wait : undefined,
  });
}

/** Turns whatever was thrown into a Problem; an aborted call stays what it is. */
export function asProblem(thrown: unknown, surface: Surface = 'gateway'): Problem {
  if (thrown instanceof Problem) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new Problem({ code: 'network', message, status: 0, surface });
}

/** True when the caller itself gave up the call. */
export function isAbort(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === 'AbortError';
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
