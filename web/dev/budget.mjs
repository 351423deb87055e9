// Fails when the built console is heavier than its budgets (gzip): npm run build && npm run budget.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const KB = 1024;
const limits = { shell: 250 * KB, route: 90 * KB, css: 30 * KB };
const dist = join(import.meta.dirname, '../dist');
const manifest = JSON.parse(readFileSync(join(dist, '.vite/manifest.json'), 'utf8'));

const size = (file) => gzipSync(readFileSync(join(dist, file)), { level: 9 }).length;
const show = (bytes) => `${(bytes / KB).toFixed(1)} KB`;

/** Chunks that a chunk pulls in at once, itself included. */
function closure(key, seen = new Set()) {
  if (seen.has(key)) return seen;
  seen.add(key);
  for (const next of manifest[key].imports ?? []) closure(next, seen);
  return seen;
}

const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);
const shell = closure(entry);
const sum = (keys) => [...keys].reduce((total, key) => total + size(manifest[key].file), 0);
const styles = new Set(Object.values(manifest).flatMap((chunk) => chunk.css ?? []));
const shellStyles = new Set([...shell].flatMap((key) => manifest[key].css ?? []));

const rows = [
  ['shell JS', sum(shell), limits.shell],
  ['shell CSS', [...shellStyles].reduce((total, file) => total + size(file), 0), limits.css],
  ['all CSS', [...styles].reduce((total, file) => total + size(file), 0), 2 * limits.css],
];
for (const key of Object.keys(manifest).filter((k) => manifest[k].isDynamicEntry)) {
  const own = [...closure(key)].filter((chunk) => !shell.has(chunk));
  if (!key.endsWith('.json')) rows.push([key, sum(own), limits.route]);
}

let failed = false;
for (const [name, bytes, limit] of rows) {
  const over = bytes > limit;
  failed ||= over;
  console.log(`${over ? 'OVER' : 'ok  '} ${show(bytes).padStart(9)} / ${show(limit)}  ${name}`);
}
process.exit(failed ? 1 : 0);
