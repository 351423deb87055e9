import { choice, page, pageSize, searchSchema, text } from '@/lib/search';

export const walletSearch = searchSchema({
  q: text,
  direction: choice(['credit', 'debit']),
  type: text,
  from: text,
  page,
  pageSize,
});
