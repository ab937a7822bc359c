// Makes a client like the others of the browser example: what its page shows goes to stdout, line by
// line, what it says of its connection to stderr. Ends when it is stopped.
//
// usage: FILINGWIRE_KEY=fw_… node example.mjs FOLDER_WITH_PLAYWRIGHT EXAMPLE_FILE STREAM_URL

import { createRequire } from 'node:module';

const [folder, example, streamUrl] = process.argv.slice(2);
const { chromium } = createRequire(`${folder}/`)('playwright-core');
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: flags });
const page = await browser.newPage();
await page.exposeFunction('printed', (line) => console.log(line));
await page.exposeFunction('said', (line) => console.error(line));
await page.goto(`file://${example}`);
await page.evaluate(() => {
  const watch = (id, tell) => new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach((node) => tell(node.textContent.trimEnd()))))
    .observe(document.getElementById(id), { childList: true });
  watch('filings', printed);
  watch('state', said);
});
await page.fill('#url', streamUrl);
await page.fill('#key', process.env.FILINGWIRE_KEY);
await page.click('button');
