// Serves dist/ under the server's own rules and hands everything else to a running server, so that
// the page can be worked on without building the program:
//
//   filingwire demo --listen 127.0.0.1:8080      in one terminal
//   node dev.mjs 8080 8090                       in another; open http://127.0.0.1:8090/#key=…

import { readFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';

const [target = '8080', port = '8090'] = process.argv.slice(2);
const kinds = { html: 'text/html; charset=utf-8', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml', woff2: 'font/woff2' };
const rust = await readFile(new URL('../src/http/live_page.rs', import.meta.url), 'utf8');
const policy = /const POLICY: &str = "([^"]*)"/.exec(rust)[1].replace(/\\\s+/g, '');

async function file(response, name) {
  const bytes = await readFile(new URL(`dist/${name}`, import.meta.url));
  response.writeHead(200, { 'content-type': kinds[name.split('.').at(-1)], 'content-security-policy': policy, 'cache-control': 'no-store' });
  response.end(bytes);
}

function pass(asked, response) {
  const { method, headers, url } = asked;
  const onward = request({ host: '127.0.0.1', port: target, method, headers, path: url }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.writeHead(502).end());
  asked.pipe(onward);
}

const server = createServer((asked, response) => {
  const { pathname } = new URL(asked.url, 'http://localhost');
  const name = pathname === '/' ? 'index.html' : /^\/page\/([a-z.0-9]+)$/.exec(pathname)?.[1];
  if (!name) return pass(asked, response);
  file(response, name).catch(() => response.writeHead(404).end());
});

server.on('upgrade', (asked, socket, head) => {
  const onward = connect(Number(target), '127.0.0.1', () => {
    const lines = asked.rawHeaders.flatMap((text, at) => (at % 2 ? [] : [`${text}: ${asked.rawHeaders[at + 1]}`]));
    onward.write(`${asked.method} ${asked.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    onward.write(head);
    onward.pipe(socket).pipe(onward);
  });
  onward.on('error', () => socket.destroy());
  socket.on('error', () => onward.destroy());
});

server.listen(Number(port), '127.0.0.1', () => console.log(`page http://127.0.0.1:${port}/`));
