import { searchSchema, text } from '@/lib/search';

const parse = searchSchema({ next: text, problem: text });

/** Where to go after signing in, only inside the console, and why signing in elsewhere failed, by its code. */
export function signInSearch(input: Record<string, unknown>): { next?: string; problem?: string } {
  const { next, problem } = parse(input);
  return {
    ...(next && /^\/(?![/\\])/.test(next) && { next }),
    ...(problem && /^[a-z_]{1,40}$/.test(problem) && { problem }),
  };
}
