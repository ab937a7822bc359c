/**
 * How things stand: the connection, up to when nothing is missing, the sources, the proof.
 *
 * Heartbeats come every quarter of a minute; the status fills in, and speaks when no socket is open.
 *
 * Invariant: what is said of completeness comes from the server alone, and is said to be old when it is.
 */

import { ask } from './access';
import { $, make, say } from './dom';
import type { Heartbeat, Status } from './frames';
import type { State, Stream } from './stream';
import { clock, clockOrDay, count, duration, instant, localTime, now, plural, setClock, sourceName } from './words';

/** How often the status is asked for while the page is in view. */
const PERIOD_MS = 3000;
/** The filings come first. */
const FIRST_MS = 200;
/** Later than this, what was vouched for is no longer news. */
const OLD_MS = 180_000;

export class Standing {
  private status: Status | null = null;
  private completeThrough = NaN;
  private promised: number | null = null;
  private state: State = 'connecting';
  private words = 'connecting';

  constructor(private readonly stream: () => Stream) {
    const look = () => document.hidden || void this.askStatus();
    setTimeout(look, FIRST_MS);
    setInterval(look, PERIOD_MS);
    document.addEventListener('visibilitychange', look);
    setInterval(() => this.draw(), 500);
  }

  heartbeat(frame: Heartbeat): void {
    setClock(frame.at);
    this.vouch(frame.complete_through);
    this.promised = frame.sent;
  }

  subscribed(): void {
    this.promised = null;
  }

  connection(state: State, words: string): void {
    [this.state, this.words] = [state, words];
    this.draw();
  }

  private async askStatus(): Promise<void> {
    const answer = await ask('v1/status');
    const status = answer?.ok ? ((await answer.json().catch(() => null)) as Status | null) : null;
    if (!status) return;
    this.status = status;
    setClock(status.at);
    this.vouch(status.complete_through);
    this.draw();
  }

  /** The newest word counts, also when it takes something back. */
  private vouch(through: string | undefined): void {
    this.completeThrough = instant(through);
  }

  private draw(): void {
    this.drawConnection();
    this.drawCompleteness();
    if (this.status) this.drawStatus(this.status);
    this.drawProof();
  }

  private drawConnection(): void {
    const seconds = Math.ceil(this.stream().waits / 1000);
    const shown = this.state === 'waiting' && seconds > 0 ? `reconnecting in ${seconds} s` : this.state === 'keyless' ? 'needs an API key' : this.state === 'stopped' ? 'stopped' : this.words;
    const element = $('connection');
    element.dataset['state'] = this.state;
    element.title = this.words;
    say($('connection-words'), shown);
  }

  private drawCompleteness(): void {
    const through = this.completeThrough, down = this.status?.stale_sources ?? [];
    const isKnown = !Number.isNaN(through), isOld = isKnown && now() - through > OLD_MS;
    const isBad = down.length > 0 || (isOld && this.status?.edgar_open);
    const element = $('complete');
    element.dataset['state'] = !isKnown ? 'unknown' : isBad ? 'old' : 'good';
    say($('complete-label'), isKnown ? 'Nothing missing up to' : 'Completeness not known yet');
    say($('complete-time'), isKnown ? clockOrDay(through) : '');
    element.title = isKnown ? `Everything EDGAR’s lists held up to then is in the log and was sent. ${localTime(through)}` : '';
    const why = down.map((source) => `${sourceName(source)} is down`).join(', ');
    say($('complete-why'), why || (isBad ? `${duration(now() - through)} ago` : ''));
  }

  private drawStatus(status: Status): void {
    say($('today-seen'), count(status.today.seen));
    say($('today-archived'), count(status.today.archived));
    const rows = Object.entries(status.sources).map(([name, source]) => {
      const last = instant(source.last_success);
      const words = source.state === 'down' ? `down since ${clockOrDay(instant(source.since))}` : Number.isNaN(last) ? 'not read yet' : `read ${duration(now() - last)} ago`;
      return this.line(sourceName(name), words, source.state === 'down', source.error ?? '');
    });
    const { archive } = status;
    const held = archive.paused ? `paused: ${archive.paused.replaceAll('_', ' ')}` : archive.backlog > 0 ? plural(archive.backlog, 'filing to fetch', 'filings to fetch') : 'all fetched';
    rows.push(this.line('Archive', archive.up ? held : 'down', !archive.up || Boolean(archive.paused), archive.error ?? ''));
    $('sources').replaceChildren(...rows.flat());
    say($('version'), status.version);
  }

  private line(name: string, words: string, isBad: boolean, title: string): HTMLElement[] {
    const value = make('dd', isBad ? 'is-bad' : 'is-good', words);
    value.title = title;
    return [make('dt', '', name), value];
  }

  private drawProof(): void {
    const { received, cursor } = this.stream(), promised = this.promised;
    const isWhole = promised === null || received >= promised;
    const told = promised === null ? count(received) : isWhole ? `${count(received)}, none missing` : `${count(received)} of ${count(promised)}`;
    const element = $('proof');
    say(element, told);
    element.className = isWhole ? 'is-good' : 'is-bad';
    say($('cursor'), cursor ?? '–');
    const sealed = this.status?.reconcile.last_sealed;
    say($('sealed'), sealed ? `${sealed}` : 'none yet');
    say($('clock'), `${clock(now())} ET`);
  }
}
