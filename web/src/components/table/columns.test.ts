import { expect, it } from 'vitest';
import { nextSort, parseHidden, parseSort, toggleHidden } from './columns';

it('cycles the order of a column', () => {
  expect(nextSort(undefined, 'name')).toBe('name');
  expect(nextSort('name', 'name')).toBe('-name');
  expect(nextSort('-name', 'name')).toBeUndefined();
  expect(nextSort('-other', 'name')).toBe('name');
  expect(parseSort('-name')).toEqual([{ id: 'name', desc: true }]);
  expect(parseSort(undefined)).toEqual([]);
});

it('keeps hidden columns in the URL', () => {
  expect(toggleHidden(undefined, 'kind')).toBe('kind');
  expect(toggleHidden('kind', 'key')).toBe('kind.key');
  expect(toggleHidden('kind', 'kind')).toBeUndefined();
  expect(parseHidden('kind.key')).toEqual(['kind', 'key']);
});
