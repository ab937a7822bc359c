/**
 * One filing in full: who, what, when, its documents and what can be downloaded.
 *
 * Elsewhere: a document in place (`reader`).
 *
 * Invariant: everything here is what its events told, but for the sources that listed it later: they
 * are asked for, and the rest waits for nothing.
 */

import { ask, type Access } from './access';
import { $, icon, link, make, say } from './dom';
import { family, formTitle, itemTitle } from './forms';
import type { FiledDocument, Filer, Filing, Listed, Shape } from './frames';
import { Reader } from './reader';
import { bidi, inOrder } from './row';
import type { Entry } from './shelf';
import { clock, clockOrDay, count, duration, instant, localTime, size, sourceName, words } from './words';

/** Filers and documents that are shown before all are asked for. */
const FEW = 12;
/** And then. */
const MANY = 500;

const SHAPES: Record<Shape, string> = { sgml: 'Submission', tar: 'Documents, tar', xbrl: 'XBRL facts' };

export class Detail {
  entry: Entry | null = null;
  private readonly panel = $('detail');
  private readonly body = $('detail-body');
  private readonly reader: Reader;
  private showsAll = false;
  /** Which source listed it when, as far as the catalog told. */
  private listed: Listed[] = [];
  private times = make('section');

  constructor(private readonly access: Access, private readonly closed: () => void) {
    this.reader = new Reader(access);
    $('detail-close').addEventListener('click', () => this.close());
  }

  get isOpen(): boolean {
    return !this.panel.hidden;
  }

  open(entry: Entry): void {
    if (!entry.filing) return;
    const isAnother = this.entry !== entry;
    this.entry = entry;
    this.panel.hidden = false;
    document.body.classList.add('has-detail');
    if (!isAnother) return;
    this.showsAll = false;
    this.listed = [];
    this.reader.close();
    this.draw();
    void this.askWhoListed(entry);
    this.body.scrollTop = 0;
    // In a small window it takes the place of the list, and what is not seen has no focus.
    if (getComputedStyle($('filings')).visibility === 'hidden') this.body.focus();
  }

  /** Something was learnt of the filing that is shown. */
  refresh(entry: Entry): void {
    if (this.isOpen && entry === this.entry) this.draw();
  }

  /** Goes one step back: from the document to the filing, from there to the list. */
  back(): void {
    if (this.reader.isOpen) this.reader.close();
    else this.close();
  }

  close(): void {
    if (!this.isOpen) return;
    this.reader.close();
    this.panel.hidden = true;
    this.entry = null;
    document.body.classList.remove('has-detail');
    this.closed();
  }

  private draw(): void {
    const { entry } = this;
    const filing = entry?.filing;
    if (!entry || !filing) return;
    this.times = times(entry, filing, this.listed);
    const sections = [this.head(filing), this.times, items(filing), this.documents(entry, filing), this.downloads(filing), this.filers(filing), this.foot(filing)];
    this.body.replaceChildren(...sections.filter((section) => section !== null));
  }

  /** A server without a catalog, and a key without the scope `read`, tell nothing. */
  private async askWhoListed(entry: Entry): Promise<void> {
    const answer = await ask(`v1/filings/${entry.id}`, { headers: this.access.headers });
    const found = answer?.ok ? ((await answer.json()) as { timing?: Listed[] }) : {};
    if (entry !== this.entry || !entry.filing) return;
    this.listed = found.timing ?? [];
    const drawn = times(entry, entry.filing, this.listed);
    this.times.replaceWith(drawn);
    this.times = drawn;
  }

  private head(filing: Filing): HTMLElement {
    const form = filing.form ?? '', [first] = inOrder(filing.filers ?? []);
    const name = make('h2', '', bidi(first?.name || filing.accession, ''));
    name.id = 'detail-name';
    const tickers = (first?.tickers ?? []).slice(0, 6).map((ticker) => make('span', 'ticker', ticker));
    const kind = make('p', 'kind', make('span', `form f-${family(form)}`, form), make('span', '', formTitle(form)));
    if (filing.late) kind.append(make('span', 'flag', 'found late'));
    if (this.entry?.isWithdrawn) kind.append(make('span', 'flag', 'withdrawn by the SEC'));
    return make('header', '', kind, name, tickers.length > 0 && make('p', 'tickers', ...tickers));
  }

  private documents(entry: Entry, filing: Filing): HTMLElement {
    const section = make('section', '', make('h3', '', 'Documents'));
    const all = filing.documents ?? [];
    if (all.length === 0) {
      const why = entry.archivedAt ? 'It has none.' : 'They are listed as soon as the submission is in the archive, normally within seconds.';
      section.append(make('p', 'quiet', why));
      return section;
    }
    const shown = all.slice(0, this.showsAll ? MANY : FEW);
    section.append(make('ol', 'documents', ...shown.map((document) => this.document(filing, document))));
    if (all.length > shown.length) section.append(this.more(all.length - shown.length));
    return section;
  }

  private document(filing: Filing, document: FiledDocument): HTMLElement {
    const title = document.description && document.description.toUpperCase() !== document.type.toUpperCase() ? document.description : document.filename;
    const button = make('button', 'document', make('b', '', document.type), bidi(title, ''), make('span', 'size', size(document.size_bytes)));
    button.type = 'button';
    button.dataset['ordinal'] = String(document.ordinal);
    button.title = document.filename;
    button.addEventListener('click', () => void this.reader.open(filing, document));
    return make('li', '', button);
  }

  private more(hidden: number): HTMLElement {
    const button = make('button', 'plain', `${count(hidden)} more`);
    button.type = 'button';
    button.addEventListener('click', () => { this.showsAll = true; this.draw(); });
    return button;
  }

  private downloads(filing: Filing): HTMLElement | null {
    const objects = filing.objects ?? {};
    const shapes = (Object.keys(SHAPES) as Shape[]).filter((shape) => objects[shape]);
    if (shapes.length === 0) return null;
    const buttons = shapes.map((shape) => {
      const button = make('button', 'download', icon('download'), SHAPES[shape], make('span', 'size', size(objects[shape]?.bytes)));
      button.type = 'button';
      button.title = objects[shape]?.key ?? '';
      button.addEventListener('click', () => void this.download(shape, filing, objects[shape]?.key ?? ''));
      return button;
    });
    return make('section', '', make('h3', '', 'Download'), make('p', 'downloads', ...buttons));
  }

  /** As it is stored. A link cannot send the key, so it has a ticket. */
  private async download(shape: Shape, filing: Filing, key: string): Promise<void> {
    const anchor = make('a');
    anchor.href = await this.access.admit(`v1/archive/${shape}/${filing.accession}`);
    anchor.download = key.split('/').at(-1) + (shape === 'sgml' ? '.zst' : '');
    anchor.click();
  }

  private filers(filing: Filing): HTMLElement | null {
    const all = inOrder(filing.filers ?? []);
    if (all.length === 0) return null;
    const shown = all.slice(0, this.showsAll ? MANY : FEW);
    const section = make('section', '', make('h3', '', all.length === 1 ? 'Filer' : `Filers, ${count(all.length)}`), make('ul', 'filers', ...shown.map(filerOf)));
    if (all.length > shown.length) section.append(this.more(all.length - shown.length));
    return section;
  }

  private foot(filing: Filing): HTMLElement {
    const number = make('code', '', filing.accession);
    const copy = make('button', 'plain', icon('copy'), 'Copy');
    copy.type = 'button';
    copy.ariaLabel = 'Copy the accession number';
    copy.addEventListener('click', () => void navigator.clipboard?.writeText(filing.accession).then(() => say(copy, 'Copied')));
    return make('footer', '', number, copy, filing.urls?.index ? link('EDGAR’s page', filing.urls.index) : null);
  }
}

function filerOf(filer: Filer): HTMLElement {
  const facts = [
    `CIK ${filer.cik}`,
    filer.sic && `SIC ${filer.sic}`,
    filer.state && `in ${filer.state}`,
    filer.state_of_incorporation && `incorporated in ${filer.state_of_incorporation}`,
    filer.fiscal_year_end && `year ends ${filer.fiscal_year_end.replace(/(..)(..)/, '$1-$2')}`,
  ];
  const former = (filer.former_names ?? []).slice(-3).map(({ name, until }) => `${name}${until ? ` until ${until}` : ''}`);
  return make(
    'li', '',
    make('span', 'role', words(filer.role)),
    bidi(filer.name || `CIK ${filer.cik}`, 'name'),
    ...(filer.tickers ?? []).slice(0, 6).map((ticker) => make('span', 'ticker', ticker)),
    make('span', 'facts', facts.filter(Boolean).join(' · ')),
    former.length > 0 && make('span', 'facts', `formerly ${former.join(', ')}`),
  );
}

/** From acceptance to the archive, with what each step took. */
function times(entry: Entry, filing: Filing, listed: Listed[]): HTMLElement {
  const accepted = instant(filing.accepted_at), seen = instant(filing.seen_at);
  const logged = instant(entry.loggedAt ?? undefined), archived = instant(entry.archivedAt ?? undefined);
  const steps: [string, number, number, string][] = [
    ['Accepted by EDGAR', accepted, NaN, ''],
    [`Seen, ${sourceName(filing.source)}`, seen, seen - accepted, 'after acceptance'],
    ['In the log, to subscribers', logged, logged - seen, 'after it was seen'],
    ['Archived', archived, archived - seen, 'after it was seen'],
  ];
  for (const { source, seen_at } of listed.filter(({ source }) => source !== filing.source)) {
    const at = instant(seen_at);
    steps.push([`${sourceName(source)} lists it too`, at, at - accepted, 'after acceptance']);
  }
  const ordered = steps.filter(([, at]) => !Number.isNaN(at)).sort(([, a], [, b]) => a - b);
  const known = ordered.map(([what, at, took, since]) => {
    const delay = make('span', 'took', Number.isNaN(took) ? '' : `+${duration(took)}`);
    delay.title = since;
    const time = make('time', '', clockOrDay(at));
    time.title = `${clock(at)} ET, ${localTime(at)}`;
    return make('li', '', make('span', '', what), delay, time);
  });
  const dates = [filing.filed_on && `Filed on ${filing.filed_on}`, filing.period && `for the period to ${filing.period}`].filter(Boolean).join(', ');
  return make('section', '', make('h3', '', 'Times, Eastern'), make('ol', 'times', ...known), dates && make('p', 'quiet', dates));
}

function items(filing: Filing): HTMLElement | null {
  if (!filing.items?.length) return null;
  const titled = filing.items.slice(0, 60).flatMap((item) => [make('dt', '', item), make('dd', '', itemTitle(filing.form ?? '', item))]);
  return make('section', '', make('h3', '', 'Items'), make('dl', 'items', ...titled));
}
