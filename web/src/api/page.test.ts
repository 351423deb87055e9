import { expect, it } from 'vitest';
import { pageFrom } from './page';

it('reads a paged list', () => {
  expect(pageFrom({ items: [1, 2], total: 5, page: 2, pageSize: 2 })).toEqual({
    items: [1, 2],
    total: 5,
    page: 2,
    pageSize: 2,
    next: true,
  });
});

it('reads an unpaged and an empty list', () => {
  expect(pageFrom({ items: ['a'] })).toMatchObject({ total: 1, next: false });
  expect(pageFrom({ items: null })).toMatchObject({ items: [], total: 0, next: false });
});
