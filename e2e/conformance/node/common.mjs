// What all drivers share: the questions, and how cells are run. A driver exports ask(client, cell), which makes one
// conversation through its SDK and returns what a developer would see of it.
// The fakes call the tools that a question names.
const tool = (name, description) => ({
  name,
  description,
  parameters: {
    type: 'object',
    properties: { city: { type: 'string', description: 'The name of the city.' } },
    required: ['city'],
    additionalProperties: false,
  },
});

export const tools = [tool('get_weather', 'The weather in a city.'), tool('get_time', 'The time in a city.')];

export const person = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
  additionalProperties: false,
};

// A red picture of one pixel.
export const picture =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';

export const questions = {
  text: 'Say hello.',
  tools: 'Please use get_weather for Paris.',
  parallel_tools: 'Please use get_weather and get_time for Rome.',
  structured: 'Describe a person named Ada who is 36.',
  reasoning: 'Think, and then say hello.',
  vision: 'What is in this picture?',
  error: 'Say hello.',
  cancel: 'Count slowly.',
};

export const report = (name) => `${name} says that it is sunny at noon.`;

// run makes every cell that stands on standard input, one JSON a line, and prints what was seen of each.
export async function run(connect, ask) {
  let input = '';
  for await (const chunk of process.stdin) input += chunk;
  for (const line of input.split('\n').filter(Boolean)) {
    const cell = JSON.parse(line);
    let seen;
    try {
      seen = await ask(await connect(cell), cell);
    } catch (error) {
      seen = { error: describe(error) };
    }
    process.stdout.write(`${JSON.stringify({ ...cell, key: undefined, seen })}\n`);
  }
}

// describe is what a developer goes by: the class of the error, its status, its code.
export const describe = (error) => ({
  class: error?.constructor?.name ?? typeof error,
  status: error?.status ?? error?.code ?? 0,
  code: error?.error?.code ?? error?.code ?? error?.error?.error?.type ?? '',
  message: String(error?.message ?? error).slice(0, 300),
});
