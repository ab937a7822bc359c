/**
 * The filings of the list: newest last, one entry for each accession, those to be let in apart.
 *
 * Invariant: no more than [`MOST`] entries and as many that wait, whatever comes; an entry is one
 * object for its whole life, so that who shows it sees what is learnt later.
 */

import type { Filing, FilingEvent, Notice } from './frames';
import { instant } from './words';

export interface Entry {
  /** The accession number, or the cursor of an event that is about no filing. */
  id: string;
  seq: number;
  filing: Filing | null;
  notice: Notice | null;
  /** When `filing.seen` and `filing.archived` entered the log. */
  loggedAt: string | null;
  archivedAt: string | null;
  isWithdrawn: boolean;
  /** What words are looked for in. */
  text: string;
}

/** Filings that are kept to scroll through. */
const MOST = 4000;
/** So many leave at a time. */
const SLACK = 400;
/** Accessions that are remembered, so that what left does not come back when it is archived. */
const MOST_MET = 40_000;

export class Shelf {
  /** Those that match the words to find, newest last. */
  shown: Entry[] = [];
  private all: Entry[] = [];
  private waiting: Entry[] = [];
  private readonly byId = new Map<string, Entry>();
  private readonly met = new Set<string>();
  private wanted: string[] = [];
  /** From when on filings are here, where each comes as `filing.seen` first. */
  private since = NaN;
  private isSeenFirst = true;

  /** Takes an event; gives the entry when it was there before. */
  take(event: FilingEvent | Notice): Entry | null {
    if (!('filing' in event)) {
      this.add(entryOf(event));
      return null;
    }
    const known = this.byId.get(event.filing.accession);
    if (known) return learn(known, event);
    if (!this.met.has(event.filing.accession) && !this.isOld(event)) this.add(learn(entryOf(event), event));
    return null;
  }

  /** Whether an archived filing was seen before the list begins: it is no news. */
  private isOld({ type, at, filing }: FilingEvent): boolean {
    if (Number.isNaN(this.since)) this.since = instant(at);
    return this.isSeenFirst && type !== 'filing.seen' && instant(filing.seen_at) < this.since;
  }

  private add(entry: Entry): void {
    this.byId.set(entry.id, entry);
    this.met.add(entry.id);
    this.waiting.push(entry);
    if (this.waiting.length > MOST) this.forget(this.waiting.splice(0, SLACK));
    if (this.met.size <= MOST_MET) return;
    const oldest = this.met.values().next().value;
    if (oldest !== undefined) this.met.delete(oldest);
  }

  /** How many of those that wait would be shown. */
  get waits(): number {
    return this.wanted.length ? this.waiting.filter((entry) => this.matches(entry)).length : this.waiting.length;
  }

  /** Lets in what waits. Gives how many are shown more, and how many old ones are no longer. */
  admit(): { added: number; removed: number } {
    const fresh = this.waiting.filter((entry) => this.matches(entry));
    this.all.push(...this.waiting);
    this.shown.push(...fresh);
    this.waiting = [];
    if (this.all.length <= MOST + SLACK) return { added: fresh.length, removed: 0 };
    const gone = this.all.splice(0, this.all.length - MOST);
    this.forget(gone);
    const removed = gone.filter((entry) => this.matches(entry)).length;
    this.shown.splice(0, removed);
    return { added: fresh.length, removed };
  }

  find(words: string): void {
    this.wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    this.shown = this.all.filter((entry) => this.matches(entry));
  }

  get(id: string): Entry | undefined {
    return this.byId.get(id);
  }

  /** Begins anew; `isSeenFirst`: the filter knows all it asks for when a filing is seen. */
  clear(isSeenFirst = true): void {
    [this.since, this.isSeenFirst] = [NaN, isSeenFirst];
    [this.shown, this.all, this.waiting] = [[], [], []];
    this.byId.clear();
    this.met.clear();
  }

  get size(): number {
    return this.all.length;
  }

  /** Values of a field among the newest filings. */
  *values(field: string): Generator<string> {
    const given = new Set<string>();
    for (const { filing } of this.all.slice(-1000)) {
      if (!filing) continue;
      for (const value of valuesOf(filing, field)) if (value && !given.has(value)) yield (given.add(value), value);
    }
  }

  private matches(entry: Entry): boolean {
    return this.wanted.every((word) => entry.text.includes(word));
  }

  private forget(gone: Entry[]): void {
    for (const { id } of gone) this.byId.delete(id);
  }
}

function valuesOf(filing: Filing, field: string): string[] {
  const filers = filing.filers ?? [];
  switch (field) {
    case 'forms': return [filing.form ?? ''];
    case 'tickers': return filers.flatMap((filer) => filer.tickers ?? []);
    case 'items': return filing.items ?? [];
    case 'sics': return filers.map((filer) => filer.sic ?? '');
    case 'states': return filers.map((filer) => filer.state ?? '');
    case 'document_types': return (filing.documents ?? []).map((document) => document.type);
    default: return [];
  }
}

function entryOf(event: FilingEvent | Notice): Entry {
  const isFiling = 'filing' in event;
  return {
    id: isFiling ? event.filing.accession : event.cursor,
    seq: event.seq,
    filing: isFiling ? event.filing : null,
    notice: isFiling ? null : event,
    loggedAt: null,
    archivedAt: null,
    isWithdrawn: false,
    text: '',
  };
}

/** Takes what a further event tells of a filing; `filing.archived` knows the most. */
function learn(entry: Entry, { type, at, filing }: FilingEvent): Entry {
  if (type === 'filing.seen') entry.loggedAt = at;
  if (type === 'filing.archived') entry.archivedAt = at;
  if (type === 'filing.withdrawn') entry.isWithdrawn = true;
  entry.filing = { ...entry.filing, ...filing, filers: withTickers(entry.filing, filing) };
  const words = (entry.filing.filers ?? []).flatMap((filer) => [filer.name ?? '', filer.cik, ...(filer.tickers ?? [])]);
  entry.text = [filing.accession, filing.accession.replaceAll('-', ''), filing.form ?? '', ...words].join(' ').toLowerCase();
  return entry;
}

/** The header of a submission knows no tickers; what told them before is kept. */
function withTickers(before: Filing | null, after: Filing): NonNullable<Filing['filers']> {
  const tickers = new Map((before?.filers ?? []).map((filer) => [filer.cik, filer.tickers ?? []]));
  return (after.filers ?? []).map((filer) => {
    const known = filer.tickers?.length ? filer.tickers : (tickers.get(filer.cik) ?? []);
    return known.length ? { ...filer, tickers: known } : filer;
  });
}
