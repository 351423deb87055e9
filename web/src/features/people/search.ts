import { searchSchema, text } from '@/lib/search';

export const peopleSearch = searchSchema({ q: text, sort: text });
