/** A call as code, in four languages. Quoting is JSON's, which all four accept for text. */

export const languages = ['curl', 'python', 'node', 'go'] as const;
export type Language = (typeof languages)[number];

/** What a snippet needs: where, with which key, and the chat request to send. */
export interface Call {
  origin: string;
  apiKey: string;
  body: { model: string; messages: { role: string; content: string }[]; stream?: boolean };
}

/** Code that sends the call; the key stands in it as given. */
export function snippet(language: Language, call: Call): string {
  return writers[language](call);
}

const writers: Record<Language, (call: Call) => string> = { curl, python, node, go };

function curl({ origin, apiKey, body }: Call): string {
  const json = JSON.stringify(body, null, 2).replaceAll("'", "'\\''");
  return [
    `curl ${origin}/v1/chat/completions \\`,
    `  -H 'Authorization: Bearer ${apiKey}' \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d '${json}'`,
  ].join('\n');
}

function python({ origin, apiKey, body }: Call): string {
  const messages = body.messages.map(
    (m) => `        {"role": ${JSON.stringify(m.role)}, "content": ${JSON.stringify(m.content)}},`,
  );
  return [
    'from openai import OpenAI',
    '',
    `client = OpenAI(base_url="${origin}/v1", api_key="${apiKey}")`,
    '',
    'stream = client.chat.completions.create(',
    `    model=${JSON.stringify(body.model)},`,
    '    messages=[',
    ...messages,
    '    ],',
    '    stream=True,',
    ')',
    'for chunk in stream:',
    '    if chunk.choices:',
    '        print(chunk.choices[0].delta.content or "", end="", flush=True)',
  ].join('\n');
}

function node({ origin, apiKey, body }: Call): string {
  const messages = body.messages.map(
    (m) => `    { role: ${JSON.stringify(m.role)}, content: ${JSON.stringify(m.content)} },`,
  );
  return [
    "import OpenAI from 'openai';",
    '',
    `const client = new OpenAI({ baseURL: '${origin}/v1', apiKey: '${apiKey}' });`,
    '',
    'const stream = await client.chat.completions.create({',
    `  model: ${JSON.stringify(body.model)},`,
    '  messages: [',
    ...messages,
    '  ],',
    '  stream: true,',
    '});',
    'for await (const chunk of stream) {',
    "  process.stdout.write(chunk.choices[0]?.delta?.content ?? '');",
    '}',
  ].join('\n');
}

function go({ origin, apiKey, body }: Call): string {
  return [
    'package main',
    '',
    'import (',
    '\t"io"',
    '\t"log"',
    '\t"net/http"',
    '\t"os"',
    '\t"strings"',
    ')',
    '',
    'func main() {',
    `\tbody := strings.NewReader(${goString(JSON.stringify(body))})`,
    `\treq, err := http.NewRequest("POST", "${origin}/v1/chat/completions", body)`,
    '\tif err != nil {',
    '\t\tlog.Fatal(err)',
    '\t}',
    `\treq.Header.Set("Authorization", "Bearer ${apiKey}")`,
    '\treq.Header.Set("Content-Type", "application/json")',
    '\tresp, err := http.DefaultClient.Do(req)',
    '\tif err != nil {',
    '\t\tlog.Fatal(err)',
    '\t}',
    '\tdefer resp.Body.Close()',
    '\tio.Copy(os.Stdout, resp.Body)',
    '}',
  ].join('\n');
}

/** A raw string where Go allows one; a backtick inside forces an interpreted one. */
function goString(text: string): string {
  return text.includes('`') ? JSON.stringify(text) : `\`${text}\``;
}
