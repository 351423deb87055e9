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

const questions = {
  text: 'Say hello.',
  tools: 'Please use get_weather for Paris.',
  parallel_tools: 'Please use get_weather and get_time for Rome.',
  structured: 'Describe a person named Ada who is 36.',
  reasoning: 'Think, and then use get_weather for Oslo.',
  vision: 'What is in this picture?',
  error: 'Say hello.',
  cancel: 'Count slowly.',
};

// question is what a cell asks. Its mark tells the cells apart, wherever it is heard.
export const question = (cell) => `${questions[cell.scenario]} ${cell.mark}`;

// offersTools reports whether the model may call tools. It thinks before it calls one: only then must upstreams be told again
// what they thought.
export const offersTools = (cell) => cell.scenario.endsWith('tools') || cell.scenario === 'reasoning';

// patience is how many milliseconds a buffered call runs before it is cancelled: enough to have reached the upstream.
export const patience = 2500;

export const report = (name) => `${name} says that it is sunny at noon.`;

// atOnce is how many conversations a driver has at a time: most of their time is waiting.
const atOnce = 4;

// run makes every cell that stands on standard input, one JSON a line, and prints what was seen of each.
export async function run(connect, ask) {
  let input = '';
  for await (const chunk of process.stdin) input += chunk;
  const cells = input.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  const attempt = async (cell) => {
    try {
      return await ask(await connect(cell), cell);
    } catch (error) {
      return { error: describe(error) };
    }
  };
  const work = async () => {
    for (let cell = cells.shift(); cell; cell = cells.shift()) {
      const seen = await attempt(cell);
      if (cell.scenario === 'error') seen.unknown = (await attempt({ ...cell, model: 'no-such-model' })).error;
      process.stdout.write(`${JSON.stringify({ ...cell, key: undefined, seen })}\n`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

// describe is what a developer goes by: the class of the error, its status, its code.
export const describe = (error) => ({
  class: error?.constructor?.name ?? typeof error,
  status: error?.status ?? error?.code ?? 0,
  code: String(error?.error?.error?.type ?? error?.error?.code ?? error?.code ?? ''),
  message: String(error?.message ?? error).slice(0, 300),
});
