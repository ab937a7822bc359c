// A chromium as a person has it, and what it complains about. The working directory holds playwright-core.

import { createRequire } from 'node:module';

export const require = createRequire(`${process.cwd()}/`);
const { chromium } = require('playwright-core');

const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

// A page that came from the disk may not speak to this machine otherwise.
if (process.env.PAGE_DIST) flags.push('--disable-features=LocalNetworkAccessChecks');

export const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: flags });

/** Errors of all pages, but for those that a cut connection, a refused request or a document's own script makes by itself. */
export const complaints = [];

const isByItself = (text) => /ERR_CONNECTION|WebSocket connection|ERR_EMPTY_RESPONSE|status of 401|Blocked script execution/.test(text);

export async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  if (process.env.PAGE_DIST) await context.route(/\/(page\/[\w.]+)?(\?|#|$)/, (route) => fromDisk(route));
  const page = await context.newPage();
  page.setDefaultTimeout(30000);
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (line) => line.type() === 'error' && !isByItself(line.text()) && complaints.push(`${line.text()} ${line.location().url}`));
  return page;
}

/** A build of the page that is not in the program yet, under the server's own headers: for work on it. */
async function fromDisk(route) {
  const response = await route.fetch();
  const name = new URL(route.request().url()).pathname.split('/').at(-1) || 'index.html';
  const { 'content-length': _, ...headers } = response.headers();
  await route.fulfill({ status: response.status(), headers, path: `${process.env.PAGE_DIST}/${name}` });
}

export const ok = (sentence) => console.log(`ok ${sentence}`);
export const until = (page, check, argument) => page.waitForFunction(check, argument);

export function must(holds, sentence) {
  if (!holds) throw new Error(sentence);
}

export function checkComplaints() {
  must(complaints.length === 0, `the browser complained: ${complaints.join('; ')}`);
  ok('the browser has nothing to complain about');
}
