import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Both languages are complete, no key is unused, no used key is missing. */

const root = join(import.meta.dirname, 'locales');
const source = readSource(join(import.meta.dirname, '..'));

function readSource(dir: string): string {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !/\.test\.tsx?$|generated/.test(name))
    .map((name) => readFileSync(join(dir, name), 'utf8'))
    .join('\n');
}

function keysOf(value: unknown, prefix = ''): string[] {
  if (typeof value === 'string') return [prefix];
  return Object.entries(value as object).flatMap(([key, child]) =>
    keysOf(child, prefix ? `${prefix}.${key}` : key),
  );
}

function textsOf(value: unknown): string[] {
  return typeof value === 'string' ? [value] : Object.values(value as object).flatMap(textsOf);
}

const read = (locale: string, file: string): unknown =>
  JSON.parse(readFileSync(join(root, locale, file), 'utf8'));
const withoutPlural = (key: string) => key.replace(/_(zero|one|two|few|many|other)$/, '');
const distinct = (keys: string[]) => [...new Set(keys.map(withoutPlural))].sort();
const files = readdirSync(join(root, 'en'));

it('has the same catalogues in both languages', () => {
  expect(readdirSync(join(root, 'zh-CN')).sort()).toEqual(files.sort());
});

describe.each(files)('%s', (file) => {
  const en = read('en', file);
  const zh = read('zh-CN', file);
  const namespace = file.replace('.json', '');

  it('has the same keys in both languages', () => {
    expect(distinct(keysOf(zh))).toEqual(distinct(keysOf(en)));
  });

  it('names the same placeholders in both languages', () => {
    const holes = (value: unknown) =>
      [...new Set(textsOf(value).flatMap((text) => text.match(/\{\{\w+\}\}/g) ?? []))].sort();
    expect(holes(zh).filter((h) => h !== '{{count}}')).toEqual(
      holes(en).filter((h) => h !== '{{count}}'),
    );
  });

  it('has no Han character in English and no blank text', () => {
    expect(
      textsOf(en).filter((text) => /\p{Script=Han}/u.test(text) && text !== '简体中文'),
    ).toEqual([]);
    expect([...textsOf(en), ...textsOf(zh)].filter((text) => !text.trim())).toEqual([]);
  });

  it('has no key that nothing uses', () => {
    const unused = distinct(keysOf(en)).filter((key) => !isUsed(key, namespace));
    expect(unused).toEqual([]);
  });
});

/** Used: written out, or matched by a template such as `status.${name}`. */
function isUsed(key: string, namespace: string): boolean {
  const names = namespace === 'common' ? [key, `common:${key}`] : [key, `${namespace}:${key}`];
  if (names.some((name) => ["'", '"', '`'].some((q) => source.includes(q + name + q)))) return true;
  const cut = key.lastIndexOf('.');
  if (cut < 0) return false;
  return names.some((name) =>
    source.includes('`' + name.slice(0, name.lastIndexOf('.') + 1) + '${'),
  );
}

it('translates every key that the source writes out', () => {
  const known = new Set(
    files.flatMap((file) =>
      distinct(keysOf(read('en', file))).flatMap((key) => [
        key,
        `${file.replace('.json', '')}:${key}`,
      ]),
    ),
  );
  const used = [...source.matchAll(/\bt\(\s*'([^']+)'/g)].map((match) => match[1]!);
  expect(used.length).toBeGreaterThan(100);
  expect(used.filter((key) => !known.has(key))).toEqual([]);
});
