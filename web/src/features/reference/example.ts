import { mediaOf, merged, type Operation, type Schema, type Spec } from './spec';

const deepest = 6;

/** A value that fits a schema: its examples, else the plainest value of its type. */
export function exampleOf(spec: Spec, schema: Schema, depth = 0): unknown {
  const own = merged(spec, schema);
  const given = own.example ?? own.default ?? own.enum?.[0];
  if (given !== undefined) return given;
  const choice = own.oneOf?.[0] ?? own.anyOf?.[0];
  if (choice) return exampleOf(spec, choice, depth);
  if (own.properties || own.type === 'object') return objectOf(spec, own, depth);
  if (own.items) return depth > deepest ? [] : [exampleOf(spec, own.items, depth + 1)];
  return plain[own.type ?? '']?.(own) ?? (own.type === 'array' ? [] : 'string');
}

function objectOf(spec: Spec, schema: Schema, depth: number): Record<string, unknown> {
  if (depth > deepest) return {};
  const members = Object.entries(schema.properties ?? {});
  return Object.fromEntries(
    members.map(([name, member]) => [name, exampleOf(spec, member, depth + 1)]),
  );
}

const plain: Record<string, (schema: Schema) => unknown> = {
  integer: ({ minimum }) => minimum ?? 1,
  number: ({ minimum }) => minimum ?? 1,
  boolean: () => true,
  string: ({ format }) => (format === 'date-time' ? '2026-01-01T00:00:00Z' : 'string'),
};

/** The example of a body; undefined where it has none to show. */
export function bodyExample(spec: Spec, body: Parameters<typeof mediaOf>[0]): unknown {
  const media = mediaOf(body);
  if (!media?.type.includes('json')) return undefined;
  if (media.example !== undefined) return media.example;
  return media.schema && exampleOf(spec, media.schema);
}

/** A call that can be pasted into a shell. Values to fill in are named in capitals. */
export function curlOf(spec: Spec, operation: Operation, origin: string): string {
  const base = operation.host ? `${new URL(origin).protocol}${operation.host}` : origin;
  const lines = [`curl${methodFlag(operation)} ${quote(base + addressOf(operation))}`];
  if (operation.credential !== 'none') {
    const variable = operation.credential === 'person' ? '$GANTRY_TOKEN' : '$GANTRY_API_KEY';
    lines.push(`-H "Authorization: Bearer ${variable}"`);
  }
  for (const { name, required, example } of ofKind(operation, 'header')) {
    if (required) lines.push(`-H ${quote(`${name}: ${example ?? placeholder(name)}`)}`);
  }
  return [...lines, ...bodyFlags(spec, operation)].join(' \\\n  ');
}

function methodFlag({ method, body }: Operation): string {
  return method === 'GET' || (method === 'POST' && body) ? '' : ` -X ${method}`;
}

function addressOf(operation: Operation): string {
  const filled = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const example = operation.parameters.find((p) => p.in === 'path' && p.name === name)?.example;
    return example === undefined ? placeholder(name) : encodeURIComponent(String(example));
  });
  const query = ofKind(operation, 'query')
    .filter(({ required }) => required)
    .map(
      ({ name, example }) => `${name}=${encodeURIComponent(String(example ?? placeholder(name)))}`,
    );
  return query.length > 0 ? `${filled}?${query.join('&')}` : filled;
}

function bodyFlags(spec: Spec, { body }: Operation): string[] {
  const media = mediaOf(body);
  if (!media) return [];
  if (!media.type.includes('json')) {
    const fields = Object.entries(
      media.schema ? (merged(spec, media.schema).properties ?? {}) : {},
    );
    return fields.map(([name, { format }]) =>
      format === 'binary' ? `-F ${name}=@file` : `-F ${quote(`${name}=…`)}`,
    );
  }
  const json = JSON.stringify(bodyExample(spec, body) ?? {}, null, 2);
  return [`-H 'Content-Type: ${media.type}'`, `-d ${quote(json)}`];
}

const ofKind = ({ parameters }: Operation, kind: string) =>
  parameters.filter((parameter) => parameter.in === kind);

/** `apiKeyID` → `API_KEY_ID`. */
const placeholder = (name: string) =>
  name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toUpperCase();

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
