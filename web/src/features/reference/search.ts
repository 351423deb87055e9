import { searchSchema, text } from '@/lib/search';

export const referenceSearch = searchSchema({ surface: text, op: text, q: text });
