/** One line of the list. Names come from strangers: text nodes only, each apart from its neighbours. */

import { make, say } from './dom';
import { family, formTitle, itemTitle } from './forms';
import type { Filer, Filing, Notice } from './frames';
import type { Entry } from './shelf';
import { clockOrDay, duration, instant, localTime, plural, shortTime, size, sourceName, words } from './words';

/** Longest name that is put into a line. */
const NAME = 140;

export class Row {
  readonly element = make('article', 'row');
  entry: Entry | null = null;
  private readonly seen = make('time');
  private readonly form = make('span', 'form');
  private readonly who = make('span', 'who');
  private readonly items = make('span', 'items');
  private readonly size = make('span', 'size');
  private readonly delay = make('span', 'delay');
  private readonly source = make('span', 'source');
  private readonly mark = make('span', 'mark');

  constructor() {
    this.element.tabIndex = -1;
    this.element.append(this.seen, this.form, this.who, this.items, this.size, this.delay, this.source, this.mark);
  }

  /** Shows an entry, or what was learnt of the one that is shown. */
  show(entry: Entry): void {
    this.entry = entry;
    this.element.dataset['id'] = entry.id;
    if (entry.filing) this.showFiling(entry, entry.filing);
    else if (entry.notice) this.showNotice(entry.notice);
  }

  private showFiling(entry: Entry, filing: Filing): void {
    const form = filing.form ?? '', seen = instant(filing.seen_at), accepted = instant(filing.accepted_at);
    const state = entry.isWithdrawn ? 'withdrawn' : entry.archivedAt ? 'archived' : 'seen';
    this.element.className = `row is-${state}`;
    say(this.seen, shortTime(seen));
    this.seen.dateTime = filing.seen_at ?? '';
    this.seen.title = `seen ${localTime(seen)}`;
    this.form.className = `form f-${family(form)}`;
    say(this.form, form || '–');
    this.form.title = formTitle(form);
    this.who.replaceChildren(...parties(filing));
    const items = filing.items ?? [];
    say(this.items, items.slice(0, 6).join('  '));
    this.items.title = items.map((item) => `${item} ${itemTitle(form, item)}`).join('\n');
    say(this.size, size(filing.size_bytes));
    say(this.delay, Number.isNaN(accepted) ? '' : duration(seen - accepted));
    this.delay.title = Number.isNaN(accepted) ? '' : `accepted ${clockOrDay(accepted)} ET`;
    say(this.source, sourceName(filing.source));
    this.mark.title = { withdrawn: 'withdrawn by the SEC', archived: 'in the archive', seen: 'not archived yet' }[state];
    this.element.ariaLabel = `${form}, ${filing.filers?.[0]?.name ?? filing.accession}, ${clockOrDay(seen)}, ${this.mark.title}`;
  }

  private showNotice(notice: Notice): void {
    this.element.className = 'row is-notice';
    say(this.seen, shortTime(instant(notice.at)));
    this.seen.dateTime = notice.at;
    this.form.className = 'form f-notice';
    say(this.form, notice.type);
    for (const cell of [this.items, this.size, this.delay, this.source]) say(cell, '');
    const text = told(notice);
    this.who.replaceChildren(make('span', 'name', text));
    this.mark.title = '';
    this.element.ariaLabel = text;
  }
}

function told(notice: Notice): string {
  if (notice.type === 'day.sealed') {
    const { date, listed, recovered } = notice.day;
    const late = recovered?.length ? `, ${count(recovered.length)} of them only in the night` : '';
    return `${date} is sealed: all ${plural(listed, 'filing')} of EDGAR’s index are here${late}`;
  }
  const { source, since, until, error } = notice.outage;
  const span = until ? `from ${clockOrDay(instant(since))} to ${clockOrDay(instant(until))}` : `since ${clockOrDay(instant(since))}`;
  return `${sourceName(source)} ${until ? 'is back; it was down' : 'is down'} ${span}${error ? `: ${error}` : ''}`;
}

const count = (number: number): string => number.toLocaleString('en');

/** The first filer with its ticker, and how many more. */
function parties(filing: Filing): Node[] {
  const filers = inOrder(filing.filers ?? []);
  const [first, second] = filers;
  if (!first) return [make('span', 'name', filing.accession)];
  const shown: Node[] = [bidi(first.name || `CIK ${first.cik}`, 'name')];
  if (first.tickers?.length) shown.push(make('span', 'ticker', first.tickers.slice(0, 2).join(' ')));
  if (second) shown.push(make('span', 'role', `${words(second.role) || 'with'} `, bidi(second.name || `CIK ${second.cik}`, '')));
  if (filers.length > 2) shown.push(make('span', 'role', `+${filers.length - 2}`));
  return shown;
}

/** Whom a filing is about comes before who files it. */
export function inOrder(filers: Filer[]): Filer[] {
  const rank = ({ role = '' }: Filer) => ['issuer', 'subject-company', 'filer'].indexOf(role) >>> 0;
  return filers.toSorted((one, other) => rank(one) - rank(other));
}

/** A stranger's text, whose direction does not reach beyond it. */
export function bidi(text: string, className: string): HTMLElement {
  const element = make('bdi', className, text.slice(0, NAME));
  element.title = text.slice(0, 400);
  return element;
}
