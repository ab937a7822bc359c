// Uses the browser example in chromium, as a person would.
//
// usage: node browser.mjs STREAM_URL KEY EXAMPLE_FILE CUTTER_PID
// The working directory holds playwright-core. Prints `ok …` lines; the first miss ends it.

import { browser, checkComplaints, must, ok, open, until } from './chromium.mjs';

const [streamUrl, key, example, cutter] = process.argv.slice(2);
const cut = () => process.kill(Number(cutter), 'SIGUSR1');

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
  must(new Set(printed).size === printed.length, 'a filing was printed twice');
  must(printed.every((line) => /^\d{10}-\d\d-\d{6}  (4|424B\w*) /.test(line)), `unexpected lines: ${printed.join('\n')}`);
  ok(`the browser example prints filings of its filter and goes on after a cut: ${printed[0]}`);
}

try {
  await browserExample();
  checkComplaints();
} finally {
  await browser.close();
}
