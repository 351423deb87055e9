import { expect, it } from 'vitest';
import {
  choice,
  flag,
  isFiltered,
  page,
  pageSize,
  searchSchema,
  text,
  withoutFilters,
} from './search';

const parse = searchSchema({
  q: text,
  status: choice(['failed', 'succeeded']),
  sim: flag,
  from: text,
  page,
  pageSize,
});

it('keeps what is valid', () => {
  const search = { q: 'abc', status: 'failed', from: '-24h', page: 3, pageSize: 100, sim: true };
  expect(parse(search)).toEqual(search);
});

it('drops nonsense without failing', () => {
  expect(parse({ q: '  ', status: 'x', page: -2, pageSize: 7, sim: 'no', zzz: 1 })).toEqual({});
});

it('leaves page 1 out and reads numbers as text', () => {
  expect(parse({ page: 1, q: 42 })).toEqual({ q: '42' });
});

it('clears filters but keeps the layout', () => {
  const search = parse({ q: 'a', page: 2, pageSize: 20 });
  expect(isFiltered(search)).toBe(true);
  expect(withoutFilters(search)).toEqual({ pageSize: 20 });
  expect(isFiltered(withoutFilters(search))).toBe(false);
});
