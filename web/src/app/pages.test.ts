import { expect, it } from 'vitest';
import type { Capabilities } from '@/api/types';
import { areasFor, pages, pagesFor } from './pages';

const user = { id: '1', username: 'ada', displayName: 'Ada', email: '', roles: ['admin'] };
const can = (areas: Capabilities['areas'], capabilities: string[]): Capabilities => ({
  user,
  areas,
  capabilities,
});

it('shows pages by capability, never by role name', () => {
  const caller = can(['workspace'], ['keys.manage']);
  expect(pagesFor(caller).every((page) => page.area === 'workspace')).toBe(true);
  const operator = can(['workspace', 'operate'], ['platforms.write']);
  expect(pagesFor(operator).map((page) => page.name)).toContain('platforms');
  expect(pagesFor(operator).map((page) => page.name)).not.toContain('users');
});

it('hides areas that have no page to open', () => {
  expect(areasFor(can(['workspace', 'studio', 'operate'], []))).toEqual(['workspace']);
  expect(areasFor(can(['workspace', 'operate'], ['users.read']))).toEqual(['workspace', 'operate']);
});

it('gives each go-key to one page', () => {
  const keys = pages.flatMap((page) => ('key' in page ? [page.key] : []));
  expect(new Set(keys).size).toBe(keys.length);
});
