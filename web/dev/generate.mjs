// Writes the API types from the contracts: npm run generate.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const here = import.meta.dirname;
const surfaces = {
  gateway: 'easyai-gateway.openapi.yaml',
  console: 'console.openapi.yaml',
  reference: 'reference.openapi.yaml',
};

for (const [name, contract] of Object.entries(surfaces)) {
  const from = join(here, '../../contracts', contract);
  const to = join(here, `../src/api/generated/${name}.ts`);
  execFileSync(join(here, '../node_modules/.bin/openapi-typescript'), [from, '-o', to], {
    stdio: 'inherit',
  });
}
