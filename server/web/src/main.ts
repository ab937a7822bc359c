/**
 * The live page: puts its parts together.
 *
 * The stream's events go to the shelf; the list is a window on it, the detail shows one entry, the
 * standing says how far everything can be trusted. The filter is in the address.
 */

import { Access, fromAddress } from './access';
import { Charts } from './activity';
import { Detail } from './detail';
import { $, say } from './dom';
import { fromFragment, isKnownEarly, toFragment, type Fields, type Filter } from './filter';
import { FilterBox } from './filterbox';
import type { FilingEvent, Notice } from './frames';
import { startKeyboard } from './keyboard';
import { List } from './list';
import { Shelf } from './shelf';
import { Standing } from './standing';
import { Stream, type State } from './stream';
import { startTheme } from './theme';
import { count, guessClock } from './words';

let found = '';
const access = new Access();
const shelf = new Shelf();
const list = new List(shelf, { open: (entry) => detail.open(entry) });
const detail: Detail = new Detail(access, () => list.resume());
const given = fromFragment(location.hash);
const stream: Stream = new Stream(access, { event, heartbeat, subscribed, state, wrongFilter, lost }, given.fields);
const standing = new Standing(() => stream);
const box = new FilterBox({ met: (field) => shelf.values(field), find, apply });
const charts = new Charts();
const theme = startTheme(() => charts.repaint());

function event(event: FilingEvent | Notice): void {
  guessClock(event.at);
  const known = shelf.take(event);
  if (!known) return list.ask();
  list.refresh(known);
  detail.refresh(known);
}

function heartbeat(frame: Parameters<Standing['heartbeat']>[0]): void {
  standing.heartbeat(frame);
}

function subscribed(anew: boolean, fields: Fields): void {
  standing.subscribed();
  if (!anew) return;
  shelf.clear(isKnownEarly(fields));
  list.reset();
}

function state(state: State, words: string): void {
  standing.connection(state, words);
  const dialog = $<HTMLDialogElement>('access');
  if (state === 'keyless') {
    say($('key-wrong'), words);
    $('key').setAttribute('aria-invalid', String(Boolean(words)));
    if (!dialog.open) dialog.show();
    $('key').focus();
  } else if (dialog.open && state === 'live') dialog.close();
  if (state === 'stopped') notice(words);
  emptyWords(state);
}

function emptyWords(state: State): void {
  const words: Partial<Record<State, string>> = { keyless: 'An API key opens the stream.', stopped: 'Not connected.', connecting: 'Connecting…', waiting: 'The connection is down; it comes back by itself.' };
  say($('empty'), words[state] ?? (shelf.size > 0 ? 'No filing here holds these words.' : 'Waiting for the first filing of this filter.'));
}

function wrongFilter({ message, field }: { message: string; field?: string }): void {
  box.complain(field && !message.includes(field) ? `${field}: ${message}` : message);
}

function lost(why: string): void {
  notice(`Begun anew at the newest filings: ${why}. Filings in between may be missing from this list.`);
}

function notice(words: string): void {
  say($('notice-words'), words);
  $('notice').hidden = !words;
}

/** Looks for words among the filings here. */
function find(words: string): void {
  if (words === found) return;
  found = words;
  shelf.find(words);
  list.redraw();
  emptyWords('live');
}

function apply(filter: Filter): void {
  const fragment = toFragment(filter);
  if (fragment !== location.hash.slice(1)) history.replaceState(null, '', location.pathname + location.search + (fragment ? `#${fragment}` : ''));
  find(filter.find);
  box.complain('');
  stream.filter(filter.fields);
}

/** One step: from a document, a filing, the charts of a small window to the list. */
function back(): void {
  if (detail.isOpen) return detail.back();
  document.body.classList.remove('has-side');
  list.deselect();
}

/** Says in the tab's title what came while it was not looked at. */
function title(): void {
  const waits = document.hidden ? shelf.waits : 0;
  document.title = waits > 0 ? `(${count(waits)}) filingwire` : 'filingwire';
}

function fromHash(): void {
  const key = fromAddress();
  if (key) access.use(key, false);
  const filter = fromFragment(location.hash);
  box.set(filter);
  apply(filter);
  if (key) void stream.connect();
}

$('access-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const key = $<HTMLInputElement>('key').value.trim();
  if (!key) return;
  access.use(key, $<HTMLInputElement>('key-keep').checked);
  void stream.connect();
});
$('notice-close').addEventListener('click', () => notice(''));
$('side-open').addEventListener('click', () => document.body.classList.toggle('has-side'));
$('side-close').addEventListener('click', () => document.body.classList.remove('has-side'));
addEventListener('hashchange', fromHash);
document.addEventListener('visibilitychange', title);
setInterval(title, 1000);

startKeyboard({
  next: () => list.move(1),
  previous: () => list.move(-1),
  open: () => list.chosen && detail.open(list.chosen),
  back,
  filter: () => box.focus(),
  top: () => list.toTop(),
  pause: () => list.pause(),
  theme: theme.turn,
});

box.set(given);
find(given.find);
void stream.connect();
