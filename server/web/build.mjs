// Bundles the page into dist/, which is committed: the server embeds it, and `cargo build`
// needs no node. The same sources and versions give the same bytes.

import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { build } from 'esbuild';

const copies = {
  'src/index.html': 'index.html',
  'src/icon.svg': 'icon.svg',
  'node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2': 'inter.woff2',
  'node_modules/@fontsource-variable/inter/LICENSE': 'inter.LICENSE.txt',
  'node_modules/uplot/LICENSE': 'uplot.LICENSE.txt',
};

await mkdir('dist', { recursive: true });
for (const old of await readdir('dist')) await rm(`dist/${old}`);
await build({
  entryPoints: ['src/main.ts', 'src/main.css'],
  outdir: 'dist',
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  charset: 'utf8',
  legalComments: 'none',
  external: ['*.woff2'],
  logLevel: 'warning',
});
for (const [from, to] of Object.entries(copies)) await copyFile(from, `dist/${to}`);
