import { readdirSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Who may import whom. A screen that needs another's part finds it in components, api or lib. */

const allowed: Record<string, string[]> = {
  lib: ['lib'],
  theme: ['theme'],
  i18n: ['i18n', 'lib'],
  api: ['api', 'lib'],
  components: ['components', 'api', 'lib', 'i18n', 'theme'],
  features: ['components', 'api', 'lib', 'i18n', 'theme'],
};

const root = import.meta.dirname;
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
  /\.tsx?$/.test(name),
);

/** Paths, from the source root, that a file imports from our own source. */
function importsOf(file: string): string[] {
  const code = readFileSync(join(root, file), 'utf8');
  return [...code.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)]
    .map((match) => match[1]!)
    .filter((path) => path.startsWith('.') || path.startsWith('@/'))
    .map((path) => (path.startsWith('@/') ? path.slice(2) : normalize(join(file, '..', path))));
}

describe.each(Object.keys(allowed))('%s', (folder) => {
  it('imports only what it may', () => {
    const wrong = files
      .filter((file) => file.startsWith(`${folder}/`))
      .flatMap((file) => importsOf(file).map((target) => ({ file, target })))
      .filter(({ file, target }) => !mayImport(file, target));
    expect(wrong).toEqual([]);
  });
});

function mayImport(file: string, target: string): boolean {
  const [folder = '', feature] = file.split('/');
  const [other = '', otherFeature] = target.split('/');
  if (folder === 'features' && other === 'features') return feature === otherFeature;
  return allowed[folder]!.includes(other);
}
