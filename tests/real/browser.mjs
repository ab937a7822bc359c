// Uses the live page and the browser example in chromium, as a person would.
//
// usage: node browser.mjs PAGE_URL STREAM_URL KEY EXAMPLE_FILE CUTTER_PID PICTURE_FOLDER
// The working directory holds playwright-core. Prints `ok …` lines; the first miss ends it.

import { createRequire } from 'node:module';

const { chromium } = createRequire(`${process.cwd()}/`)('playwright-core');
const [pageUrl, streamUrl, key, example, cutter, pictures] = process.argv.slice(2);
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: flags });
const complaints = [];

async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (line) => line.type() === 'error' && !/ERR_CONNECTION|WebSocket connection/.test(line.text()) && complaints.push(line.text()));
  return page;
}

const ok = (sentence) => console.log(`ok ${sentence}`);
const forms = (page) => page.locator('#filings .form').allTextContents();
const until = (page, check, argument) => page.waitForFunction(check, argument);
const cut = () => process.kill(Number(cutter), 'SIGUSR1');

async function livePage() {
  const page = await open();
  await page.goto(`${pageUrl}#key=${key}`);
  await until(page, () => document.querySelectorAll('#filings li').length >= 20);
  if (page.url().includes(key)) throw new Error('the key is still in the address bar');
  ok('the live page shows filings and takes the key out of the address bar');

  await until(page, () => document.querySelector('#filings li.archived'));
  ok('a row is marked when its submission is archived');

  const newest = await page.locator('#filings .form').first().getAttribute('title');
  await until(page, (before) => document.querySelector('#filings .form').title !== before, newest);
  ok('new filings come in on top');
  await page.screenshot({ path: `${pictures}/page.png` });

  await page.fill('[name=forms]', '8-K');
  await until(page, () => { const all = [...document.querySelectorAll('#filings .form')]; return all.length >= 3 && all.every((form) => form.textContent === '8-K'); });
  ok('the filter 8-K leaves only 8-K');
  await page.screenshot({ path: `${pictures}/page-filter.png` });

  await page.fill('[name=ciks]', 'AAPL');
  await until(page, () => document.querySelector('#ciks-wrong').textContent.includes('AAPL'));
  ok(`a bad filter is explained by its field: ${await page.locator('#ciks-wrong').textContent()}`);

  await page.fill('[name=ciks]', '');
  await page.fill('[name=forms]', '');
  await until(page, () => new Set([...document.querySelectorAll('#filings .form')].map((form) => form.textContent)).size > 3);
  cut();
  await until(page, () => document.querySelector('#connection').textContent !== 'live');
  await until(page, () => document.querySelector('#connection').textContent === 'live');
  ok('the live page comes back by itself after its connection is cut');

  const last = page.locator('#filings li').nth(15);
  await last.scrollIntoViewIfNeeded();
  await page.mouse.wheel(0, 600);
  await until(page, () => /^\d+\+? new$/.test(document.querySelector('#fresh:not([hidden])')?.textContent ?? ''));
  await page.click('#fresh');
  await until(page, () => scrollY === 0 && document.querySelector('#fresh').hidden);
  ok('new filings wait while the reader is further down, and one click brings them');
}

async function pageWithoutKey() {
  const page = await open();
  await page.goto(pageUrl);
  await page.fill('[name=key]', 'fw_wrong_key');
  await page.keyboard.press('Enter');
  await until(page, () => document.querySelector('#key-wrong').textContent);
  await page.fill('[name=key]', key);
  await page.keyboard.press('Enter');
  await until(page, () => document.querySelectorAll('#filings li').length > 0);
  ok('without a key the page asks for one, refuses a wrong one and takes the right one');
}

async function pictureOf(name, options) {
  const page = await open(options);
  await page.goto(`${pageUrl}#key=${key}`);
  await until(page, () => document.querySelectorAll('#filings li.archived').length >= 5);
  await page.screenshot({ path: `${pictures}/${name}.png` });
}

async function browserExample() {
  const page = await open();
  await page.goto(`file://${example}`);
  await page.fill('#url', streamUrl);
  await page.fill('#key', key);
  await page.fill('#forms', '4, 424B*');
  await page.click('button');
  const lines = () => document.querySelector('#filings').textContent.trim().split('\n').filter(Boolean);
  await until(page, `(${lines})().length >= 5`);
  cut();
  await until(page, () => document.querySelector('#state').textContent.includes('going on'));
  const before = (await page.evaluate(lines)).length;
  await until(page, `(${lines})().length >= ${before} + 5`);
  const printed = await page.evaluate(lines);
  if (new Set(printed).size !== printed.length) throw new Error('a filing was printed twice');
  if (!printed.every((line) => /^\d{10}-\d\d-\d{6}  (4|424B\w*) /.test(line))) throw new Error(`unexpected lines: ${printed.join('\n')}`);
  ok(`the browser example prints filings of its filter and goes on after a cut: ${printed[0]}`);
  return printed.map((line) => line.slice(0, 20)).reverse();
}

try {
  await livePage();
  await pageWithoutKey();
  await pictureOf('page-dark', { colorScheme: 'dark' });
  await pictureOf('page-phone', { viewport: { width: 390, height: 800 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true });
  await browserExample();
  if (complaints.length) throw new Error(`the browser complained: ${complaints.join('; ')}`);
  ok('the browser has nothing to complain about');
} finally {
  await browser.close();
}
