/** The parts of OpenAPI 3.0 that the reference reads. */

export interface Schema {
  $ref?: string;
  type?: string;
  format?: string;
  description?: string;
  enum?: unknown[];
  example?: unknown;
  default?: unknown;
  nullable?: boolean;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  required?: string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: boolean | Schema;
  allOf?: Schema[];
  oneOf?: Schema[];
  anyOf?: Schema[];
}

export interface Parameter {
  $ref?: string;
  name: string;
  in: 'path' | 'query' | 'header' | 'cookie';
  description?: string;
  required?: boolean;
  example?: unknown;
  schema?: Schema;
}

type Content = Record<string, { schema?: Schema; example?: unknown }>;

export interface Body {
  $ref?: string;
  description?: string;
  required?: boolean;
  content?: Content;
}

interface RawOperation {
  operationId: string;
  tags?: string[];
  summary?: string;
  description?: string;
  'x-summary-en'?: string;
  'x-summary-zh'?: string;
  'x-credential'?: string;
  security?: Record<string, unknown>[];
  parameters?: Parameter[];
  requestBody?: Body;
  responses?: Record<string, Body>;
}

interface PathItem {
  servers?: { url: string }[];
  parameters?: Parameter[];
  [method: string]: unknown;
}

export interface Spec {
  info: { title: string; version: string; description?: string };
  servers?: { url: string }[];
  security?: Record<string, unknown>[];
  paths: Record<string, PathItem>;
  components?: {
    schemas?: Record<string, Schema>;
    parameters?: Record<string, Parameter>;
    responses?: Record<string, Body>;
    requestBodies?: Record<string, Body>;
  };
}

/** One operation with what a reader needs of its surroundings. */
export interface Operation {
  id: string;
  method: string;
  /** With the prefix under which the surface answers. */
  path: string;
  /** Where it answers when that is a host of its own: `//host`. */
  host: string;
  tag: string;
  summary: { en: string; zh: string };
  description?: string;
  credential: 'none' | 'person' | 'any';
  parameters: Parameter[];
  body?: Body;
  responses: [status: string, response: Body][];
}

const methods = ['get', 'post', 'put', 'patch', 'delete'];

/** The operations of a document, in its order. */
export function operationsOf(spec: Spec): Operation[] {
  return Object.entries(spec.paths).flatMap(([path, item]) =>
    methods.filter((method) => item[method]).map((method) => operationOf(spec, path, item, method)),
  );
}

function operationOf(spec: Spec, path: string, item: PathItem, method: string): Operation {
  const raw = item[method] as RawOperation;
  const url = item.servers?.[0]?.url ?? spec.servers?.[0]?.url ?? '';
  const [, host = '', prefix = ''] = /^(\/\/[^/]+)?(.*?)\/?$/.exec(url) ?? [];
  const summary = raw.summary ?? raw.operationId;
  return {
    id: raw.operationId,
    method: method.toUpperCase(),
    path: prefix + path,
    host,
    tag: raw.tags?.[0] ?? '',
    summary: { en: raw['x-summary-en'] ?? summary, zh: raw['x-summary-zh'] ?? summary },
    description: raw.description,
    credential: credentialOf(raw, spec),
    parameters: [...(item.parameters ?? []), ...(raw.parameters ?? [])].map((parameter) =>
      resolve(spec, parameter),
    ),
    body: raw.requestBody && resolve(spec, raw.requestBody),
    responses: Object.entries(raw.responses ?? {}).map(([status, response]) => [
      status,
      resolve(spec, response),
    ]),
  };
}

function credentialOf(raw: RawOperation, spec: Spec): Operation['credential'] {
  const security = raw.security ?? spec.security ?? [];
  if (security.length === 0) return 'none';
  return raw['x-credential'] === 'jwt-only' ? 'person' : 'any';
}

/** What a `$ref` points to; anything else is itself. */
export function resolve<T extends { $ref?: string }>(spec: Spec, value: T): T {
  if (!value.$ref) return value;
  const [, group, name] = /^#\/components\/(\w+)\/(.+)$/.exec(value.$ref) ?? [];
  const found = spec.components?.[group as keyof NonNullable<Spec['components']>]?.[name!];
  return found ? resolve(spec, found as unknown as T) : value;
}

/** The name of the schema that a `$ref` points to. */
export function nameOf(schema: Schema): string | undefined {
  return schema.$ref?.split('/').at(-1);
}

/** A schema with the members of everything that it is made of. */
export function merged(spec: Spec, schema: Schema): Schema {
  const own = resolve(spec, schema);
  if (!own.allOf) return own;
  const parts = own.allOf.map((part) => merged(spec, part));
  return {
    ...parts.reduce((all, part) => ({ ...all, ...part }), {}),
    ...own,
    properties: Object.assign({}, ...parts.map((part) => part.properties), own.properties),
    required: [...parts.flatMap((part) => part.required ?? []), ...(own.required ?? [])],
  };
}

/** The media type that is described, JSON before others. */
export function mediaOf(body: Body | undefined) {
  const entries = Object.entries(body?.content ?? {});
  const [type, media] = entries.find(([name]) => name.includes('json')) ?? entries[0] ?? [];
  return type ? { type, ...media } : undefined;
}

/** Operations whose id, address, tag or summary holds every word of the text. */
export function find(operations: Operation[], text: string | undefined): Operation[] {
  const words = (text ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return operations;
  return operations.filter(({ id, method, path, tag, summary }) => {
    const all = `${id} ${method} ${path} ${tag} ${summary.en} ${summary.zh}`.toLowerCase();
    return words.every((word) => all.includes(word));
  });
}

/** Operations by tag, in the order in which tags first occur. */
export function byTag(operations: Operation[]): [tag: string, operations: Operation[]][] {
  const groups = new Map<string, Operation[]>();
  for (const operation of operations) {
    groups.set(operation.tag, [...(groups.get(operation.tag) ?? []), operation]);
  }
  return [...groups];
}
