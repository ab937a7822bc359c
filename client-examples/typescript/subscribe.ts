// Prints one line per filing, and goes on where it stopped, whoever stopped.
//
// npm install && npm run build
// FILINGWIRE_KEY=fw_… npm start 'ws://127.0.0.1:8080/v1/stream?forms=8-K,424B*'

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import WebSocket from 'ws';

/** What is read of a frame. It has more fields and there are more types: ignore what is new. */
interface Frame {
  type: string;
  seq?: number;
  cursor?: string;
  through?: string;
  after?: string;
  sent?: number;
  message?: string;
  filing?: { accession: string; form: string; filers: { name: string }[] };
}

const url = process.argv[2] ?? '';
const authorization = `Bearer ${process.env.FILINGWIRE_KEY}`;
const cursorFile = 'filingwire.cursor'; // The last cursor handled. Write `oldest` into it to begin with all that is kept.

function follow(): void {
  const after = existsSync(cursorFile) ? readFileSync(cursorFile, 'utf8').trim() : 'live';
  const socket = new WebSocket(`${url}${url.includes('?') ? '&' : '?'}after=${after}`, { headers: { authorization } });
  let received = 0; // Events since `subscribed`.
  let whole = after; // Up to here all of them came.
  // A heartbeat comes every 15 s: a minute of silence is a dead connection. `ws` answers the server's pings.
  const watchdog = setTimeout(() => socket.terminate(), 60_000);
  socket.on('message', (text) => {
    if (socket.readyState !== WebSocket.OPEN) return; // Closed by us: what still comes will come again.
    watchdog.refresh();
    const frame: Frame = JSON.parse(text.toString());
    if (frame.type === 'heartbeat' && frame.sent !== received) {
      save(whole); // What came since the last heartbeat that was right comes again.
      console.error(`${frame.sent} events were sent, ${received} came`);
      return socket.terminate();
    }
    if (frame.type === 'filing.seen') show(frame.filing!);
    if (frame.type === 'error') console.error(frame.message);
    if (frame.seq) received += 1;
    if (frame.type === 'subscribed' || frame.type === 'heartbeat') whole = frame.through ?? frame.after!;
    // Events have `cursor`, heartbeats `through`, `subscribed` has `after`: saved only once handled.
    const cursor = frame.cursor ?? frame.through ?? frame.after;
    if (cursor) save(cursor);
    if (frame.type === 'done') process.exit(0); // `until` is reached.
  });
  socket.on('error', (error) => console.error(error.message)); // `close` comes next.
  socket.on('close', (code, reason) => {
    clearTimeout(watchdog);
    if (code >= 4400 && code <= 4499) process.exit(1); // The same request would fail again.
    const told = /retry after (\d+) s/.exec(reason.toString()); // After a limit.
    setTimeout(follow, Number(told?.[1] ?? 0) * 1000 + 500 + Math.random() * 2500); // Jitter: not all clients at once.
  });
}

function show({ accession, form, filers }: NonNullable<Frame['filing']>): void {
  console.log(`${accession}  ${form.padEnd(8)}  ${filers[0]?.name ?? ''}`);
}

/** Replaces the file in one step: the old cursor or the new one, never half. */
function save(cursor: string): void {
  writeFileSync(`${cursorFile}.new`, cursor);
  renameSync(`${cursorFile}.new`, cursorFile);
}

follow();
