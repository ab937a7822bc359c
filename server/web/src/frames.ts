/**
 * What comes over the wire, as docs/stream.md has it. Everything that may be absent is optional:
 * a newer server may send more, an older one less.
 */

export interface Filer {
  cik: string;
  name?: string;
  role?: string;
  tickers?: string[];
  sic?: string;
  state?: string;
  state_of_incorporation?: string;
  fiscal_year_end?: string;
  former_names?: { name: string; until?: string }[];
}

export interface FiledDocument {
  ordinal: number;
  type: string;
  filename: string;
  description?: string;
  size_bytes: number;
}

export interface StoredObject {
  key: string;
  bytes: number;
}

export type Shape = 'sgml' | 'tar' | 'xbrl';

export interface Filing {
  accession: string;
  form?: string;
  filed_on?: string;
  accepted_at?: string;
  period?: string;
  source?: string;
  seen_at?: string;
  late?: boolean;
  size_bytes?: number;
  items?: string[];
  filers?: Filer[];
  urls?: { index?: string; submission?: string };
  documents?: FiledDocument[];
  objects?: Partial<Record<Shape, StoredObject>>;
}

/** A line of the timing ledger of `GET /v1/filings/{accession}`. */
export interface Listed {
  source: string;
  seen_at: string;
}

export interface FilingEvent {
  type: 'filing.seen' | 'filing.archived' | 'filing.withdrawn';
  cursor: string;
  seq: number;
  at: string;
  filing: Filing;
}

export interface Outage {
  source: string;
  since: string;
  until?: string;
  error?: string;
}

export interface SealedDay {
  date: string;
  listed: number;
  seen_live: number;
  recovered?: string[];
}

/** An event that is about no filing; only who asks for its type gets it. */
export type Notice =
  | { type: 'day.sealed'; cursor: string; seq: number; at: string; day: SealedDay }
  | { type: 'source.down' | 'source.up'; cursor: string; seq: number; at: string; outage: Outage };

export interface Hello {
  type: 'hello';
  epoch: string;
  head: string;
  oldest: string;
  heartbeat_ms: number;
  auth: string;
}

export interface Heartbeat {
  type: 'heartbeat';
  at: string;
  head: string;
  through: string;
  sent: number;
  complete_through?: string;
  sources: Record<string, string>;
}

export interface Refusal {
  type: 'error';
  code: string;
  field?: string;
  message: string;
}

export type Frame =
  | Hello
  | { type: 'subscribed'; after: string; behind: number }
  | FilingEvent
  | Notice
  | Heartbeat
  | { type: 'lag'; behind: number }
  | { type: 'notice'; code: string; reconnect_after_ms?: number }
  | { type: 'done'; through: string }
  | Refusal;

export interface SourceStatus {
  state: 'up' | 'down';
  since: string;
  last_success?: string;
  error?: string;
}

/** `GET /v1/status`, as far as the page shows it. */
export interface Status {
  version: string;
  at: string;
  edgar_open: boolean;
  head: string;
  complete_through?: string;
  sources: Record<string, SourceStatus>;
  stale_sources: string[];
  outages: Outage[];
  today: { date: string; seen: number; archived: number };
  archive: { backlog: number; up: boolean; error?: string; paused?: string };
  reconcile: { last_sealed?: string };
  sessions: number;
}

export interface Delays {
  filings: number;
  p50_ms: number;
  p99_ms: number;
  buckets: [number, number][];
}

/** `GET /v1/activity`. */
export interface Activity {
  date: string;
  /** The minute from which on today is counted. */
  since: number;
  today: number[];
  usual: number[];
  usual_days: number;
  delays: Record<string, Delays>;
}

/** The number in a cursor, `epoch-seq`. */
export const seqOf = (cursor: string): number => Number(cursor.split('-').at(-1));
