import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { curlOf, exampleOf } from './example';
import english from './english.json';
import { byTag, find, merged, operationsOf, type Spec } from './spec';
import { textsIn } from './texts';

const spec: Spec = {
  info: { title: 'Cranes', version: '1' },
  servers: [{ url: '/harbour/' }],
  security: [{ BearerAuth: [] }],
  paths: {
    '/cranes/{craneID}': {
      parameters: [{ name: 'craneID', in: 'path', required: true, schema: { type: 'string' } }],
      get: {
        operationId: 'getCrane',
        tags: ['cranes'],
        summary: '返回起重机',
        'x-summary-en': 'Return a crane',
        parameters: [{ name: 'at', in: 'query', required: true, example: 'a b' }],
        responses: { '200': { description: 'OK' } },
      },
      delete: { operationId: 'deleteCrane', tags: ['cranes'], 'x-credential': 'jwt-only' },
    },
    '/yard': {
      servers: [{ url: '//yard.example/v2' }],
      post: {
        operationId: 'lift',
        tags: ['yard'],
        summary: 'Lift',
        security: [],
        requestBody: {
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Load' } } },
        },
      },
    },
  },
  components: {
    schemas: {
      Load: {
        allOf: [{ $ref: '#/components/schemas/Base' }],
        properties: {
          what: { type: 'string', example: "it's" },
          within: { type: 'array', items: { $ref: '#/components/schemas/Load' } },
        },
      },
      Base: { type: 'object', required: ['tons'], properties: { tons: { type: 'integer' } } },
    },
  },
};
const operations = operationsOf(spec);
const [get, remove, lift] = operations;

describe('operationsOf', () => {
  it('keeps the order and knows where each operation answers', () => {
    expect(operations.map(({ method, host, path }) => `${method} ${host}${path}`)).toEqual([
      'GET /harbour/cranes/{craneID}',
      'DELETE /harbour/cranes/{craneID}',
      'POST //yard.example/v2/yard',
    ]);
    expect(operations.map(({ credential }) => credential)).toEqual(['any', 'person', 'none']);
    expect(byTag(operations).map(([tag, group]) => [tag, group.length])).toEqual([
      ['cranes', 2],
      ['yard', 1],
    ]);
  });

  it('finds operations by every word, in either language', () => {
    expect(find(operations, 'crane return')).toEqual([get]);
    expect(find(operations, '起重机')).toEqual([get]);
    expect(find(operations, 'DELETE cranes')).toEqual([remove]);
    expect(find(operations, 'ship')).toEqual([]);
    expect(find(operations, '  ')).toHaveLength(3);
  });
});

describe('examples', () => {
  it('merges what a schema is made of, and ends where it contains itself', () => {
    const load = merged(spec, { $ref: '#/components/schemas/Load' });
    expect(Object.keys(load.properties!)).toEqual(['tons', 'what', 'within']);
    expect(load.required).toEqual(['tons']);
    const example = exampleOf(spec, load) as { within: { tons: number }[] };
    expect(example).toMatchObject({ tons: 1, what: "it's", within: [{ tons: 1 }] });
    expect(JSON.stringify(example).length).toBeLessThan(1000);
  });

  it('writes a call that a shell reads as it is meant', () => {
    expect(curlOf(spec, get!, 'https://here.example')).toBe(
      [
        "curl 'https://here.example/harbour/cranes/CRANE_ID?at=a%20b'",
        '-H "Authorization: Bearer $GANTRY_API_KEY"',
      ].join(' \\\n  '),
    );
    expect(curlOf(spec, remove!, 'https://here.example')).toContain(
      "curl -X DELETE 'https://here.example/harbour/cranes/CRANE_ID'",
    );
    expect(curlOf(spec, remove!, 'https://here.example')).toContain('$GANTRY_TOKEN');
    const call = curlOf(spec, lift!, 'https://here.example');
    expect(call).toContain("'https://yard.example/v2/yard'");
    expect(call).toContain(`"what": "it'\\''s"`);
    expect(call).not.toContain('Authorization');
  });
});

describe('texts of the contracts', () => {
  const contracts = join(import.meta.dirname, '../../../../contracts');
  const source = (name: string) => readFileSync(join(contracts, `${name}.openapi.yaml`), 'utf8');

  it('are there in English wherever the gateway describes something in Chinese', () => {
    const gateway = source('easyai-gateway');
    for (const text of Object.keys(english)) {
      expect(gateway).toContain(text.split('\n')[0]!.trim());
    }
    const described = [...gateway.matchAll(/^\s*(?:- )?description: (.*\p{Script=Han}.*)$/gmu)]
      .map(([, text]) => text!.replace(/^(['"])(.*)\1$/, '$2').trim())
      .filter((text) => text !== '|-');
    const missing = described.filter(
      (text) => !Object.keys(english).some((known) => known.startsWith(text)),
    );
    expect(described.length).toBeGreaterThan(90);
    expect(missing).toEqual([]);
  });

  it('have a Chinese summary in our own contracts', () => {
    for (const name of ['console', 'protocols', 'reference']) {
      const summaries = source(name).match(/^ {6}summary: /gm) ?? [];
      const chinese = source(name).match(/^ {6}x-summary-zh: .*\p{Script=Han}/gmu) ?? [];
      expect([name, chinese.length]).toEqual([name, summaries.length]);
    }
  });

  it('are shown in the language of the reader', () => {
    expect(textsIn('en').prose('页码')).toBe('Page');
    expect(textsIn('zh-CN').prose('页码')).toBe('页码');
    expect(textsIn('en').prose('Scopes.')).toBe('Scopes.');
    expect(textsIn('zh-CN').summary(get!)).toBe('返回起重机');
    expect(textsIn('en').summary(get!)).toBe('Return a crane');
  });
});
