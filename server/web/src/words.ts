/**
 * Words and numbers. Times are Eastern, EDGAR's own; what is here is told by a tooltip.
 *
 * Invariant: `now` is the server's time, so that an age is right on a computer whose clock is not.
 */

const CLOCK = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const;
const NEW_YORK = { timeZone: 'America/New_York' } as const;

const writer = (...options: Intl.DateTimeFormatOptions[]) => new Intl.DateTimeFormat('en-GB', Object.assign({}, ...options));
const easternClock = writer(CLOCK, NEW_YORK);
const easternDay = writer({ weekday: 'short', day: 'numeric', month: 'short' }, NEW_YORK);
const easternShort = writer({ day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }, NEW_YORK);
const easternDate = new Intl.DateTimeFormat('en-CA', NEW_YORK);
const localStamp = writer(CLOCK, { day: 'numeric', month: 'short', timeZoneName: 'short' });

let skew = 0;
let isSet = false;

/** Takes the server's clock for ours. */
export function setClock(at: string | undefined): void {
  const server = instant(at);
  if (Number.isNaN(server)) return;
  [skew, isSet] = [server - Date.now(), true];
}

/** Until the server tells its time, an event's time is nearer to it than ours may be. */
export function guessClock(at: string): void {
  if (isSet || Math.abs(instant(at) - Date.now()) < 3_600_000) return;
  skew = instant(at) - Date.now();
}

export const now = (): number => Date.now() + skew;

/** The instant of an RFC 3339 text in milliseconds, or NaN. */
export const instant = (text: string | undefined): number => (text ? Date.parse(text) : NaN);

/** `14:03:20` */
export const clock = (at: number): string => (Number.isNaN(at) ? '–' : easternClock.format(at));

/** `14:03:20`, of another day `2 Mar 14:03`. */
export function shortTime(at: number): string {
  if (Number.isNaN(at)) return '–';
  return isToday(at) ? easternClock.format(at) : easternShort.format(at).replace(',', '');
}

const isToday = (at: number): boolean => easternDate.format(at) === easternDate.format(now());

/** `14:03:20`, with the day when it was not today. */
export function clockOrDay(at: number): string {
  if (Number.isNaN(at)) return '–';
  return isToday(at) ? easternClock.format(at) : `${easternDay.format(at)}, ${easternClock.format(at)}`;
}

/** The same instant where the reader is. */
export const localTime = (at: number): string => (Number.isNaN(at) ? '' : localStamp.format(at));

export const count = (number: number | undefined): string => (number ?? 0).toLocaleString('en');

export const plural = (number: number, one: string, many = `${one}s`): string => `${count(number)} ${number === 1 ? one : many}`;

export function duration(ms: number): string {
  if (Number.isNaN(ms)) return '–';
  if (ms < 950) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 119.5) return `${seconds.toFixed(seconds < 9.95 ? 1 : 0)} s`;
  const units: [string, number][] = [['min', 60], ['h', 3600], ['days', 86400]];
  const [unit, length] = units.findLast(([, long]) => seconds >= 2 * long) ?? ['min', 60];
  return `${Math.round(seconds / length)} ${unit}`;
}

export function size(bytes: number | undefined): string {
  if (bytes === undefined || !(bytes >= 0)) return '';
  if (bytes < 1e3) return `${bytes} B`;
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} KB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/** `subject-company` as words. */
export const words = (name: string | undefined): string => (name ?? '').replaceAll(/[-_]/g, ' ');

/** A source as people call it. */
export function sourceName(source: string | undefined): string {
  const names: Record<string, string> = { atom: 'Atom feed', efts: 'Search index', daily_index: 'Daily index', backfill: 'Backfill', archive: 'Archive' };
  return names[source ?? ''] ?? words(source);
}
