// A simulated EDGAR and a server on it, in processes of their own, and a demo: started, stopped and
// asked from outside.

import { execFileSync, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, rmSync } from 'node:fs';
import { once } from 'node:events';

const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGKILL'); });

/** Starts a program and waits until it says what `pattern` looks for. */
async function start(program, args, env, log, pattern) {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const file = createWriteStream(log, { flags: 'a' });
  let said = '';
  const found = new Promise((resolve, reject) => {
    const hear = (bytes) => {
      file.write(bytes);
      if (said !== null) said += bytes;
      const match = said !== null && pattern.exec(said);
      if (match) resolve(match);
      if (match) said = null;
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('exit', (code) => { running.delete(child); reject(new Error(`${program} ${args[0]} ended with ${code}: ${said}`)); });
  });
  found.catch(() => undefined);
  const late = setTimeout(() => child.kill('SIGKILL'), 60_000);
  const match = await found;
  clearTimeout(late);
  return { child, match };
}

async function stop(child) {
  if (!child || !running.has(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  await ended;
}

export class House {
  constructor(program, folder) {
    [this.program, this.folder] = [program, folder];
    this.data = `${folder}/page-data`;
  }

  async start() {
    mkdirSync(this.folder, { recursive: true });
    rmSync(this.data, { recursive: true, force: true });
    const simulate = ['simulate', '--listen', '127.0.0.1:0', '--seed', '1', '--rate', '2'];
    const { child, match } = await start(this.program, simulate, {}, `${this.folder}/page-simulate.log`, /^edgar (\S+)/m);
    this.simulator = child;
    this.env = {
      FILINGWIRE__DATA_DIR: this.data,
      FILINGWIRE__EDGAR__WWW_URL: match[1],
      FILINGWIRE__EDGAR__EFTS_URL: match[1],
      FILINGWIRE__MONITORS__EFTS__POLL_INTERVAL_MS: '5000',
    };
    this.key = execFileSync(this.program, ['keys', 'create', '--name', 'page'], { env: { ...process.env, ...this.env }, stdio: ['ignore', 'pipe', 'ignore'] }).toString().trim();
    this.address = '127.0.0.1:0';
    await this.startServer();
    // A list that is not empty.
    while ((await this.filings()).length < 40) await new Promise((resolve) => setTimeout(resolve, 200));
  }

  async startServer() {
    const serve = ['serve', '--contact', 'page@filingwire.example', '--listen', this.address];
    const { child, match } = await start(this.program, serve, this.env, `${this.folder}/page-serve.log`, /page http:\/\/([^/]+)\//);
    this.server = child;
    this.address = match[1];
    this.page = `http://${this.address}/#key=${this.key}`;
  }

  async stopServer() {
    await stop(this.server);
  }

  async stop() {
    await stop(this.server);
    await stop(this.simulator);
  }

  ask(path) {
    return fetch(`http://${this.address}${path}`, { headers: { authorization: `Bearer ${this.key}` } });
  }

  /** The newest filings with what their events tell. */
  async filings() {
    const { head } = await (await this.ask('/v1/status')).json();
    const [epoch, seq] = head.split('-');
    const answer = await this.ask(`/v1/events?after=${epoch}-${Math.max(0, seq - 1000)}&limit=1000`);
    return (await answer.json()).events.map(({ filing }) => filing);
  }

  /** The CIK of the filer of the invented world whose name has markup in it. */
  async filerWithMarkup() {
    for (let tries = 0; tries < 300; tries += 1) {
      const filer = (await this.filings()).flatMap(({ filers }) => filers).find(({ name }) => name.includes('<IMG'));
      if (filer) return filer.cik;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    throw new Error('no filer has markup in its name');
  }

  async nameOf(cik) {
    return (await this.filings()).flatMap(({ filers }) => filers).find((filer) => filer.cik === cik).name;
  }
}

export class Demo {
  constructor(program, folder) {
    [this.program, this.folder] = [program, folder];
  }

  async start(options) {
    const { child, match } = await start(this.program, ['demo', '--listen', '127.0.0.1:0', ...options], { TMPDIR: this.folder }, `${this.folder}/page-demo.log`, /^page (\S+)$/m);
    [this.child, this.page] = [child, match[1]];
  }

  async stop() {
    await stop(this.child);
  }
}
