// Bundles each test for node, which reads no TypeScript, and runs it.

import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { build } from 'esbuild';

const folder = await mkdtemp(`${tmpdir()}/page-`);
const tests = (await readdir('test')).filter((name) => name.endsWith('.test.ts'));
await build({ entryPoints: tests.map((name) => `test/${name}`), outdir: folder, outExtension: { '.js': '.mjs' }, bundle: true, format: 'esm', platform: 'node', logLevel: 'warning' });
const files = tests.map((name) => `${folder}/${name.replace(/ts$/, 'mjs')}`);
const { status } = spawnSync(process.execPath, ['--test', ...files], { stdio: 'inherit' });
await rm(folder, { recursive: true });
process.exit(status ?? 1);
