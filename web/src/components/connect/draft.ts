import type { Adapter, AdapterField, PlatformTestInput } from '@/api/types';

const configPrefix = 'config.';

/** What a person has entered so far; keys are the field names of the adapter. */
export interface Draft {
  provider: string;
  name: string;
  baseUrl: string;
  values: Record<string, string>;
}

export function draftFor(adapter: Adapter): Draft {
  const values = adapter.fields.map(({ name, default: initial }) => [name, initial ?? '']);
  return {
    provider: adapter.name,
    name: adapter.title,
    baseUrl: adapter.defaultBaseUrl,
    values: Object.fromEntries(values) as Record<string, string>,
  };
}

/**
 * Fields shown at once: what is required, and keys even where some upstreams of the kind need none.
 * The rest waits under "more". A base URL is asked when none is known.
 */
export function split(adapter: Adapter): { asked: AdapterField[]; optional: AdapterField[] } {
  return {
    asked: adapter.fields.filter(isAsked),
    optional: adapter.fields.filter((field) => !isAsked(field)),
  };
}

function isAsked(field: AdapterField): boolean {
  return field.required || (field.secret && !field.name.startsWith(configPrefix));
}

/** Whether everything needed for a test is there. */
export function isComplete(adapter: Adapter, draft: Draft): boolean {
  const filled = adapter.fields.every(
    (field) => !field.required || draft.values[field.name]?.trim(),
  );
  return filled && draft.name.trim() !== '' && draft.baseUrl.trim() !== '';
}

/** The draft as the server wants it: `config.*` fields under config, all others under credentials. */
export function requestFrom(adapter: Adapter, draft: Draft): PlatformTestInput {
  const credentials: Record<string, unknown> = {};
  const config: Record<string, unknown> = {};
  for (const field of adapter.fields) {
    const value = typed(field, draft.values[field.name]?.trim() ?? '');
    if (value === '') continue;
    if (field.name.startsWith(configPrefix)) config[field.name.slice(configPrefix.length)] = value;
    else credentials[field.name] = value;
  }
  return { provider: draft.provider, baseUrl: draft.baseUrl.trim(), credentials, config };
}

function typed(field: AdapterField, value: string): unknown {
  if (value === '') return '';
  if (field.type === 'number') return Number(value);
  if (field.type === 'boolean') return value === 'true';
  return value;
}
