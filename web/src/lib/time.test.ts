import { expect, it } from 'vitest';
import { absoluteTime, duration, relativeTime, resolveInstant } from './time';

const now = Date.parse('2026-03-01T12:00:00Z');

it('speaks relatively in both languages', () => {
  expect(relativeTime('2026-03-01T11:57:00Z', now, 'en')).toBe('3m ago');
  expect(relativeTime('2026-03-01T11:57:00Z', now, 'zh-CN')).toBe('3分钟前');
  expect(relativeTime('2025-01-01T00:00:00Z', now, 'en')).toContain('2025');
  expect(relativeTime(undefined, now, 'en')).toBe('');
});

it('writes the zone beside the absolute time', () => {
  expect(absoluteTime('2026-03-01T12:00:00Z', 'en', 'UTC')).toBe('03/01/2026, 12:00:00 UTC');
});

it('never turns a missing duration into 0', () => {
  expect(duration(undefined)).toBeUndefined();
  expect(duration(0)).toBe('0 ms');
  expect(duration(3240)).toBe('3.24 s');
  expect(duration(125_000)).toBe('2 min 05 s');
});

it('resolves relative ranges and keeps absolute ones', () => {
  expect(resolveInstant('-24h', now)).toBe('2026-02-28T12:00:00.000Z');
  expect(resolveInstant('2026-02-01', now)).toBe('2026-02-01');
  expect(resolveInstant(undefined, now)).toBeUndefined();
});
