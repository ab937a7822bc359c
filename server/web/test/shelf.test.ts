import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FilingEvent } from '../src/frames';
import { Shelf } from '../src/shelf';

function event(nth: number, type: FilingEvent['type'] = 'filing.seen', name = 'ACME'): FilingEvent {
  const filing = { accession: `0001999999-26-${String(nth).padStart(6, '0')}`, form: '8-K', filers: [{ cik: '1', name, tickers: type === 'filing.seen' ? ['ACME'] : [] }] };
  return { type, cursor: `t-${nth}`, seq: nth, at: '2026-03-03T15:00:00Z', filing };
}

test('what is archived is the filing that was seen', () => {
  const shelf = new Shelf();
  shelf.take(event(1));
  shelf.admit();

  const known = shelf.take(event(1, 'filing.archived'));

  assert.equal(known, shelf.shown[0]);
  assert.ok(known?.archivedAt);
  assert.deepEqual(known?.filing?.filers?.[0]?.tickers, ['ACME']);
});

test('however many come, only so many are kept, and none that left comes back', () => {
  const shelf = new Shelf();
  for (let nth = 1; nth <= 30_000; nth += 1) {
    shelf.take(event(nth));
    if (nth % 50 === 0) shelf.admit();
  }

  assert.ok(shelf.size <= 4_400);
  shelf.take(event(1, 'filing.archived'));
  assert.equal(shelf.waits, 0);
});

test('while nobody lets them in, only so many wait', () => {
  const shelf = new Shelf();
  for (let nth = 1; nth <= 30_000; nth += 1) shelf.take(event(nth));

  assert.ok(shelf.waits <= 4_000);
});

test('an archived filing that was seen before the list begins is no news, unless nothing else tells of it', () => {
  const late = event(2, 'filing.archived');
  late.filing.seen_at = '2026-03-03T14:00:00Z';
  const shelf = new Shelf();
  const waits = () => (shelf.take(event(1)), shelf.take(late), shelf.waits);

  assert.equal(waits(), 1);
  shelf.clear(false);
  assert.equal(waits(), 2);
});

test('words are looked for in names, tickers, forms and accession numbers', () => {
  const shelf = new Shelf();
  for (const [nth, name] of ['ACME INC', 'Société Brévannes'].entries()) shelf.take(event(nth + 1, 'filing.seen', name));
  shelf.admit();
  const found = (words: string) => (shelf.find(words), shelf.shown.length);

  assert.deepEqual([found('acme inc'), found('brévannes 8-k'), found('26-000002'), found('nobody'), found('')], [1, 1, 1, 0, 2]);
});
