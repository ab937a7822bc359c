/**
 * What the filter box offers: names of fields, then values of the field under the caret.
 *
 * Values are common ones and those of filings in the list; the server takes any other too.
 */

import { formTitle, ITEMS } from './forms';

export interface Offer {
  /** What is put in place of the word under the caret. */
  text: string;
  hint: string;
}

export interface Offers {
  from: number;
  to: number;
  offers: Offer[];
}

/** Values that the list has met, by field. */
export type Met = (field: string) => Iterable<string>;

const FIELDS: [string, string][] = [
  ['forms', 'form types: 8-K, 424B*'],
  ['tickers', 'companies by ticker: AAPL, BRK.B'],
  ['items', 'items of an 8-K: 2.02'],
  ['amendments', 'include, exclude or only'],
  ['ciks', 'filers by CIK: 320193'],
  ['document_types', 'types of documents: EX-99.1, EX-10*'],
  ['sics', 'industries, four digits: 7372'],
  ['states', 'business address: NY, X0'],
  ['agents', 'submitter: beginning of the accession'],
  ['types', 'events: filing.seen, source.*'],
];

const FORMS = ['8-K', '8-K*', '10-Q', '10-K', '4', '3', '144', '6-K', '424B*', 'S-1*', 'S-8', 'D', '13F-HR', 'SCHEDULE 13D', 'SCHEDULE 13G', 'DEF 14A', '20-F', 'NPORT-P', '497*', 'FWP'];

const VALUES: Record<string, [string, string][]> = {
  forms: FORMS.map((form) => [form, form.endsWith('*') ? `${formTitle(form.slice(0, -1))}, all that begin so` : formTitle(form)]),
  items: ITEMS,
  amendments: [['exclude', 'no amendments'], ['only', 'amendments alone'], ['include', 'both']],
  document_types: [['EX-99.1', 'Press releases and the like'], ['EX-10*', 'Material contracts'], ['EX-2*', 'Plans of acquisition'], ['EX-3*', 'Articles and bylaws'], ['EX-21*', 'Subsidiaries'], ['EX-101.INS', 'XBRL instance']],
  sics: [['7372', 'Prepackaged software'], ['2834', 'Pharmaceutical preparations'], ['6022', 'State commercial banks'], ['6798', 'Real estate investment trusts'], ['1311', 'Crude petroleum and natural gas'], ['3674', 'Semiconductors'], ['6770', 'Blank checks']],
  states: [['NY', 'New York'], ['CA', 'California'], ['TX', 'Texas'], ['MA', 'Massachusetts'], ['DE', 'Delaware'], ['FL', 'Florida'], ['IL', 'Illinois'], ['X0', 'United Kingdom'], ['F4', 'China'], ['L3', 'Israel'], ['A6', 'Ontario']],
  types: [['filing.seen', 'as soon as it is listed'], ['filing.archived', 'with its documents'], ['day.sealed', 'a day proven complete'], ['source.*', 'outages'], ['filing.withdrawn', 'taken away by the SEC'], ['*', 'everything']],
};

const MOST = 8;

/** What may stand at the caret. */
export function offersAt(text: string, caret: number, met: Met): Offers {
  const before = text.slice(0, caret);
  const field = /(?:^|\s)([a-z_]+)=([^=]*)$/i.exec(before);
  const word = /\S*$/.exec(before)?.[0] ?? '';
  // After a space a new field may begin, though a value may hold one.
  const isValue = field && (!/\s/.test(field[2] ?? '') || /,\s*\S*$/.test(field[2] ?? ''));
  if (!isValue) return namesAt(before, text, caret, word);
  const begun = /[^,]*$/.exec(field[2] ?? '')?.[0].trimStart() ?? '';
  const end = caret + (/^[^,\s]*/.exec(text.slice(caret))?.[0].length ?? 0);
  const taken = new Set((field[2] ?? '').toUpperCase().split(',').map((value) => value.trim()).slice(0, -1));
  const offers = valuesOf((field[1] ?? '').toLowerCase(), begun, met).filter(({ text }) => !taken.has(text.toUpperCase()));
  return { from: caret - begun.length, to: end, offers: offers.slice(0, MOST) };
}

function namesAt(before: string, text: string, caret: number, word: string): Offers {
  const rest = text.slice(0, before.length - word.length) + text.slice(caret);
  const open = FIELDS.filter(([name]) => name.startsWith(word.toLowerCase()) && !new RegExp(`(^|\\s)${name}=`).test(rest));
  const offers = open.map(([name, hint]) => ({ text: `${name}=`, hint }));
  return { from: caret - word.length, to: caret + (/^\S*/.exec(text.slice(caret))?.[0].length ?? 0), offers: offers.slice(0, FIELDS.length) };
}

function valuesOf(field: string, begun: string, met: Met): Offer[] {
  const known = (VALUES[field] ?? []).map(([text, hint]) => ({ text, hint }));
  const names = new Set(known.map(({ text }) => text));
  const fresh = [...met(field)].filter((value) => !names.has(value)).sort().map((text) => ({ text, hint: field === 'forms' ? formTitle(text) : 'in the list' }));
  const wanted = begun.toUpperCase();
  return [...known, ...fresh].filter(({ text, hint }) => text.toUpperCase().startsWith(wanted) || (wanted.length > 2 && hint.toUpperCase().includes(wanted)));
}
