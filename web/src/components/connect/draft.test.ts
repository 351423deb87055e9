import { expect, it } from 'vitest';
import type { Adapter } from '@/api/types';
import { draftFor, isComplete, requestFrom, split } from './draft';

const label = { en: 'x', zh: 'x' };
const adapter: Adapter = {
  name: 'vendor',
  title: 'Vendor',
  logo: '',
  defaultBaseUrl: 'https://api.vendor.example',
  authTypes: ['bearer'],
  models: [],
  fields: [
    { name: 'apiKey', label, type: 'password', secret: true, required: true },
    {
      name: 'config.timeout',
      label,
      type: 'number',
      secret: false,
      required: false,
      default: '30',
    },
    { name: 'config.beta', label, type: 'boolean', secret: false, required: false },
  ],
};

it('needs the required fields only', () => {
  const draft = draftFor(adapter);
  expect(isComplete(adapter, draft)).toBe(false);
  expect(isComplete(adapter, { ...draft, values: { ...draft.values, apiKey: 'k' } })).toBe(true);
});

it('sorts values into credentials and config, with their types', () => {
  const draft = {
    ...draftFor(adapter),
    values: { apiKey: ' k ', 'config.timeout': '5', 'config.beta': '' },
  };
  expect(requestFrom(adapter, draft)).toEqual({
    provider: 'vendor',
    baseUrl: 'https://api.vendor.example',
    credentials: { apiKey: 'k' },
    config: { timeout: 5 },
  });
});

it('asks for a key at once, even where it is not required', () => {
  const [key, ...rest] = adapter.fields;
  const lenient = { ...adapter, fields: [{ ...key!, required: false }, ...rest] };
  expect(split(lenient).asked.map((field) => field.name)).toEqual(['apiKey']);
  expect(isComplete(lenient, draftFor(lenient))).toBe(true);
});
