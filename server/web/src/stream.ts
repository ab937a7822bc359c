/**
 * The stream: one socket, one subscription, resumed by its cursor.
 *
 * Opened with a ticket, so that the API key is in no address; without a key, or a server that
 * asks for none, it is opened as it is. Elsewhere: the key (`access`), what is done with events.
 *
 * Invariant: `cursor` is after everything handed on, and nothing of a filter that was replaced is
 * handed on.
 */

import type { Access } from './access';
import type { FilingEvent, Frame, Heartbeat, Hello, Notice, Refusal } from './frames';
import { seqOf } from './frames';
import { isSame, type Fields } from './filter';

export type State = 'connecting' | 'live' | 'behind' | 'waiting' | 'stopped' | 'keyless';

export interface Hooks {
  event: (event: FilingEvent | Notice) => void;
  heartbeat: (frame: Heartbeat) => void;
  /** The subscription is on: what follows belongs to this filter. `anew`: nothing before it counts. */
  subscribed: (anew: boolean, fields: Fields) => void;
  state: (state: State, words: string) => void;
  /** The server refused the filter; the one before goes on. */
  wrongFilter: (refusal: Refusal, goesOn: Fields) => void;
  /** What was missed is not known: the log is another one, or too old a cursor. */
  lost: (why: string) => void;
}

/** Events before the head at the first connection; about two make one filing. */
const LOOK_BACK = 240;
/** With a filter few of them match. */
const LOOK_BACK_FILTERED = 20_000;
/** Longest wait between two tries. */
const MOST_WAIT_MS = 20_000;
/** Shortest time between two subscriptions: the server takes five messages a second. */
const CALM_MS = 400;

export class Stream {
  cursor: string | null = null;
  epoch = '';
  received = 0;
  private socket: WebSocket | null = null;
  private hello: Hello | null = null;
  private refusal: Refusal | null = null;
  /** Subscriptions that are not confirmed, and one that is still to be sent. */
  private unanswered = 0;
  private isReplaced = false;
  private anew = true;
  private attempt = 0;
  private drainMs = 0;
  private retry = 0;
  private retryAt = 0;
  private watchdog = 0;
  private calm = 0;
  private head = 0;

  /** The last filter that the server took, and how far it had come. */
  private proven: Fields = {};
  private former: string | null = null;

  constructor(private readonly access: Access, private readonly hooks: Hooks, private fields: Fields) {
    addEventListener('online', () => this.retryAt && void this.connect());
  }

  async connect(): Promise<void> {
    clearTimeout(this.retry);
    this.hangUp();
    [this.refusal, this.unanswered, this.drainMs, this.retryAt] = [null, 0, 0, 0];
    this.hooks.state('connecting', this.attempt ? 'reconnecting' : 'connecting');
    const url = new URL('v1/stream?defer=true', location.origin + location.pathname);
    url.protocol = url.protocol.replace('http', 'ws');
    const ticket = await this.access.ticket();
    if (ticket.refused) return this.keyless(ticket.refused);
    if (ticket.unreachable) return this.again('the server does not answer', 0);
    if (ticket.ticket) url.searchParams.set('ticket', ticket.ticket);
    this.open(url);
  }

  /** Another filter from now on. */
  filter(fields: Fields): void {
    if (isSame(fields, this.fields)) return;
    this.fields = fields;
    this.begin();
  }

  /** Begins anew, with filings from before: another filter, or the place is lost. */
  begin(): void {
    this.former = this.cursor ?? this.former;
    [this.cursor, this.anew, this.isReplaced] = [null, true, true];
    clearTimeout(this.calm);
    this.calm = setTimeout(() => {
      if (this.socket?.readyState === WebSocket.OPEN && this.hello) this.subscribe();
      else if (this.socket?.readyState !== WebSocket.CONNECTING) void this.connect();
    }, CALM_MS);
  }

  /** How long until the next try, or 0. */
  get waits(): number {
    return Math.max(0, this.retryAt - Date.now());
  }

  private open(url: URL): void {
    this.hangUp();
    const mine = (this.socket = new WebSocket(url));
    mine.onmessage = ({ data }) => {
      if (mine !== this.socket) return;
      this.watch();
      this.receive(JSON.parse(String(data)) as Frame);
    };
    mine.onclose = ({ code, reason }) => mine === this.socket && this.closed(code, reason);
    this.watch();
  }

  private hangUp(): void {
    clearTimeout(this.watchdog);
    const old = this.socket;
    [this.socket, this.hello] = [null, null];
    old?.close();
  }

  /** Takes three missed heartbeats for a dead connection. */
  private watch(): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.closed(1006, 'the connection fell silent'), 3 * (this.hello?.heartbeat_ms ?? 5000));
  }

  private send(message: object): void {
    this.socket?.send(JSON.stringify(message));
  }

  private receive(frame: Frame): void {
    switch (frame.type) {
      case 'hello': return this.greeted(frame);
      case 'subscribed': return this.subscribed();
      case 'heartbeat': return this.beat(frame);
      case 'lag': return this.hooks.state('behind', `${frame.behind.toLocaleString('en')} events behind`);
      case 'notice': return void (this.drainMs = frame.reconnect_after_ms ?? 0);
      case 'error': return void (this.refusal = frame); // The close that follows says what becomes of it.
      case 'done': return;
      case 'filing.seen': case 'filing.archived': case 'filing.withdrawn':
      case 'day.sealed': case 'source.down': case 'source.up': return this.event(frame);
    } // Other types belong to a newer server.
  }

  private greeted(hello: Hello): void {
    this.hello = hello;
    this.epoch = hello.epoch;
    this.head = seqOf(hello.head);
    if (hello.auth === 'required') return this.keyless('');
    this.access.open = !this.access.key;
    this.subscribe();
  }

  private subscribe(): void {
    const oldest = seqOf(this.hello?.oldest ?? '-1');
    const lookBack = Object.keys(this.fields).length ? LOOK_BACK_FILTERED : LOOK_BACK;
    const start = Math.max(oldest - 1, this.head - lookBack, 0);
    this.unanswered += 1;
    this.isReplaced = false;
    this.send({ op: 'subscribe', after: this.cursor ?? `${this.epoch}-${start}`, filter: this.fields });
  }

  private subscribed(): void {
    this.unanswered -= 1;
    if (this.unanswered > 0) return;
    [this.received, this.attempt, this.proven, this.former] = [0, 0, this.fields, null];
    this.hooks.subscribed(this.anew, this.fields);
    this.anew = false;
    this.hooks.state('live', 'live');
  }

  /** Whether what comes belongs to a filter that was replaced. */
  private get isStale(): boolean {
    return this.unanswered > 0 || this.isReplaced;
  }

  private event(event: FilingEvent | Notice): void {
    if (this.isStale) return;
    this.received += 1;
    this.cursor = event.cursor;
    this.head = Math.max(this.head, event.seq);
    this.hooks.event(event);
  }

  private beat(frame: Heartbeat): void {
    this.head = Math.max(this.head, seqOf(frame.head));
    if (this.isStale) return;
    this.cursor = frame.through;
    this.hooks.heartbeat(frame);
    this.hooks.state('live', 'live');
  }

  private closed(code: number, reason: string): void {
    const refusal = this.refusal;
    this.hangUp();
    const why = refusal?.message ?? (reason || 'the connection was lost');
    if (code === 4401) return this.keyless(why);
    if (refusal && code === 4400) return this.refused(refusal);
    if (code >= 4410 && code <= 4412) return this.restart(why);
    if (code >= 4400 && code <= 4499) return this.hooks.state('stopped', why);
    this.again(why, code === 4029 ? 5000 : this.drainMs);
  }

  /** Comes back later, and not at the same moment as all others. */
  private again(why: string, least: number): void {
    const wait = Math.max(least, Math.min(MOST_WAIT_MS, 400 * 2 ** this.attempt) * (0.5 + Math.random() / 2));
    this.attempt += 1;
    this.retryAt = Date.now() + wait;
    this.retry = setTimeout(() => void this.connect(), wait);
    this.hooks.state('waiting', why);
  }

  /** Goes on with the filter before. A proven one that is refused, too, ends it. */
  private refused(refusal: Refusal): void {
    const isNew = !isSame(this.fields, this.proven);
    if (!isNew) return this.hooks.state('stopped', refusal.message);
    [this.fields, this.cursor, this.anew] = [this.proven, this.former, !this.former];
    this.hooks.wrongFilter(refusal, this.proven);
    void this.connect();
  }

  private restart(why: string): void {
    this.hooks.lost(why);
    this.former = null;
    [this.cursor, this.anew, this.attempt] = [null, true, 0];
    void this.connect();
  }

  private keyless(why: string): void {
    this.hangUp();
    this.hooks.state('keyless', why);
  }
}

