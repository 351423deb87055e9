import { expect, it } from 'vitest';
import type { Platform } from '@/api/types';
import { platformState, writable } from './queries';

const platform: Platform = {
  id: 'p1',
  provider: 'openai',
  name: 'OpenAI',
  priority: 10,
  status: 'enabled',
  config: { headers: {} },
  credentialsPreview: { apiKey: 'sk-…9f' },
  effectivePriority: 10,
  createdAt: '2026-01-01T00:00:00Z',
};

it('sends the whole object, without what only the server writes', () => {
  const body = writable(platform);
  expect(body).toMatchObject({ name: 'OpenAI', priority: 10, config: { headers: {} } });
  expect(Object.keys(body)).not.toContain('credentialsPreview');
  expect(Object.keys(body)).not.toContain('effectivePriority');
  expect(Object.keys(body)).not.toContain('id');
});

it('shows a running cooldown', () => {
  const now = Date.parse('2026-03-01T00:00:00Z');
  expect(platformState({ ...platform, cooldownUntil: '2026-03-01T00:01:00Z' }, now)).toBe(
    'cooling',
  );
  expect(platformState({ ...platform, cooldownUntil: '2026-02-01T00:01:00Z' }, now)).toBe(
    'enabled',
  );
});
