import { searchSchema, text } from '@/lib/search';

export const platformsSearch = searchSchema({ sort: text, q: text });
