import { searchSchema, text } from '@/lib/search';

const parse = searchSchema({ next: text });

/** Where to go after signing in; only addresses inside the console are kept. */
export function signInSearch(input: Record<string, unknown>): { next?: string } {
  const { next } = parse(input);
  return next && /^\/(?![/\\])/.test(next) ? { next } : {};
}
