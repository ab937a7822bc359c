// Uses the pages of keys and of the doors in chromium, and shows a hostile document in a frame of our own origin.
//
// usage: node doors.mjs ORIGIN ADMIN_KEY HOSTILE_ACCESSION
// The working directory holds playwright-core. Prints `ok …` lines; the first miss ends it.

import { createRequire } from 'node:module';

const { chromium } = createRequire(`${process.cwd()}/`)('playwright-core');
const [origin, admin, accession] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });

const ok = (sentence) => console.log(`ok ${sentence}`);
function must(holds, sentence) { if (!holds) throw new Error(`not so: ${sentence}`); }

async function open(complaints) {
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(20000);
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (line) => line.type() === 'error' && complaints.push(line.text()));
  page.on('dialog', (dialog) => dialog.accept());
  return page;
}

async function keys() {
  const complaints = [];
  const page = await open(complaints);
  await page.goto(`${origin}/keys`);
  await page.getByLabel('Admin key').fill(admin);
  await page.getByRole('button', { name: 'Show keys' }).click();
  await page.getByLabel('Name').fill('<b>desk</b>');
  await page.getByRole('button', { name: 'Make' }).click();
  const row = page.locator('#keys tr', { hasText: '<b>desk</b>' });
  await row.waitFor();
  const secret = await page.locator('#secret').textContent();
  must(/^fw_\w{8}_\w{32}$/.test(secret), `a key is shown: ${secret}`);
  must(await page.locator('#keys b').count() === 0, 'markup in a name is text');
  await row.getByRole('button').click();
  await row.getByText('revoked').waitFor();
  must(complaints.length === 0, `no complaint: ${complaints}`);
  ok('a key is made, shown once and revoked on the page of keys');
}

async function docs() {
  const complaints = [];
  const page = await open(complaints);
  await page.goto(`${origin}/docs`);
  const door = page.locator('#doors details', { hasText: '/v1/status' });
  await door.locator('summary').click();
  await door.getByRole('button', { name: 'Try' }).click();
  await door.locator('pre', { hasText: '"phase": "running"' }).waitFor();
  await page.getByLabel('API key').fill(admin);
  const events = page.locator('#doors details', { hasText: '/v1/events/stream' });
  await events.locator('summary').click();
  await events.getByRole('button', { name: 'Try' }).click();
  await events.locator('pre', { hasText: 'event: hello' }).waitFor();
  must(await page.locator('#frames details').count() > 15, 'all frames are shown');
  must(complaints.length === 0, `no complaint: ${complaints}`);
  ok('the page of the doors tries them, also one that never ends');
}

async function hostile() {
  const complaints = [];
  const page = await open(complaints);
  const asked = [];
  page.on('request', (request) => asked.push(`${request.method()} ${new URL(request.url()).pathname}`));
  const ticket = (await (await fetch(`${origin}/v1/tickets`, { method: 'POST', headers: { authorization: `Bearer ${admin}` } })).json()).ticket;
  // A page of our own origin that protects itself by nothing: the document's own headers have to do.
  const html = `<title>ours</title><iframe src="/v1/filings/${accession}/documents/1?ticket=${ticket}"></iframe>`;
  await page.route(`${origin}/parent`, (route) => route.fulfill({ contentType: 'text/html', body: html }));
  await page.goto(`${origin}/parent`);
  const frame = page.frameLocator('iframe');
  await frame.locator('#p').waitFor();
  await frame.locator('#send').click();
  await frame.locator('#out').click();
  await page.waitForTimeout(1500); // Longer than its refresh.
  must(await frame.locator('#p').textContent() === 'untouched', 'no script of it ran');
  must(await page.evaluate(() => window.ran === undefined && document.title === 'ours'), 'the page around it is untouched');
  must(page.url() === `${origin}/parent`, 'it did not lead the page away');
  must(!asked.includes('POST /v1/tickets') && !asked.includes('GET /v1/status'), `it sent nothing: ${asked}`);
  const reach = await page.evaluate(() => document.querySelector('iframe').contentDocument);
  must(reach === null, 'it is of no origin that ours can reach');
  ok('a hostile document in a frame of our origin runs nothing, sends nothing and reaches nothing');
}

async function pictures() {
  const page = await open([]);
  const answer = await fetch(`${origin}/v1/tickets?filing=${accession}`, { method: 'POST', headers: { authorization: `Bearer ${admin}` } });
  const { documents } = await answer.json();
  const html = `<iframe sandbox src="${documents}hostile.htm"></iframe>`;
  await page.route(`${origin}/parent`, (route) => route.fulfill({ contentType: 'text/html', body: html }));
  await page.goto(`${origin}/parent`);
  const frame = page.frameLocator('iframe');
  await frame.locator('#p').waitFor();
  const width = () => frame.locator('#dot').evaluate((dot) => dot.naturalWidth);
  for (let tries = 0; (await width()) === 0 && tries < 50; tries += 1) await page.waitForTimeout(100);
  must(await width() === 1, 'the picture beside it is shown');
  must(await frame.locator('#p').textContent() === 'untouched', 'no script of it ran');
  ok('a document read with a ticket of its filing shows the pictures beside it');
}

try {
  await keys();
  await docs();
  await hostile();
  await pictures();
} finally {
  await browser.close();
}
