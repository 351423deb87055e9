import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import { mockBackend } from './dev/mock/index.ts';

const backend = process.env.GANTRY_BACKEND ?? 'http://127.0.0.1:8080';
const useMock = process.env.GANTRY_MOCK === '1';

/** Writes a .gz beside each text asset, so that the server need not compress at run time. */
function precompress(): Plugin {
  return {
    name: 'precompress',
    apply: 'build',
    closeBundle() {
      const dir = join(import.meta.dirname, 'dist/assets');
      for (const name of readdirSync(dir).filter((n) => /\.(js|css|svg)$/.test(n))) {
        const file = join(dir, name);
        if (statSync(file).size > 1024) {
          writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 9 }));
        }
      }
    },
  };
}

export default defineConfig({
  base: '/console/',
  plugins: [react(), precompress(), ...(useMock ? [mockBackend()] : [])],
  resolve: { alias: { '@': join(import.meta.dirname, 'src') } },
  build: { target: 'es2022', manifest: true, sourcemap: false, modulePreload: { polyfill: false } },
  server: {
    host: '127.0.0.1',
    proxy: useMock ? {} : { '/api': backend, '/v1': backend },
  },
  preview: {
    host: '127.0.0.1',
    proxy: useMock ? {} : { '/api': backend, '/v1': backend },
  },
  test: { environment: 'happy-dom', include: ['src/**/*.test.{ts,tsx}'] },
});
