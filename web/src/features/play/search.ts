import { searchSchema, text } from '@/lib/search';

export const chatSearch = searchSchema({ model: text });
