import { expect, it } from 'vitest';
import { isInUse, keyState } from './queries';

const now = Date.parse('2026-03-02T00:00:00Z');

it('knows a key that traffic depends on', () => {
  expect(isInUse({ lastUsedAt: '2026-03-01T12:00:00Z' }, now)).toBe(true);
  expect(isInUse({ lastUsedAt: '2026-02-01T12:00:00Z' }, now)).toBe(false);
  expect(isInUse({}, now)).toBe(false);
});

it('shows an active key past its end as expired', () => {
  expect(keyState({ status: 'active', expiresAt: '2026-03-01T00:00:00Z' }, now)).toBe('expired');
  expect(keyState({ status: 'active' }, now)).toBe('active');
  expect(keyState({ status: 'disabled', expiresAt: '2026-03-01T00:00:00Z' }, now)).toBe('disabled');
});
