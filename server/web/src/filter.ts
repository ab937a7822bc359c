/**
 * The filter as the reader writes it: words to find, then fields with comma lists.
 *
 *   acme forms=8-K,424B* amendments=exclude
 *
 * Fields go to the server, which alone decides what they mean and what is wrong with them. Words
 * before the first field are looked for here, among the filings that are in the list.
 *
 * Invariant: text to filter to text, and filter to address to filter, lose nothing but spaces.
 */

export type Fields = Record<string, string[]>;

export interface Filter {
  find: string;
  fields: Fields;
}

export const NO_FILTER: Filter = { find: '', fields: {} };

/** A field begins at the start or after a space: values themselves may hold spaces, `SC 13D`. */
const FIELD = /(?:^|\s)([a-z_]+)\s*=/gi;

export function parse(text: string): Filter {
  const starts = [...text.matchAll(FIELD)];
  const fields: Fields = {};
  for (const [nth, start] of starts.entries()) {
    const from = start.index + start[0].length;
    const list = text.slice(from, starts[nth + 1]?.index ?? text.length);
    const name = (start[1] ?? '').toLowerCase();
    fields[name] = [...(fields[name] ?? []), ...list.split(',').map((value) => value.trim())];
  }
  for (const [name, values] of Object.entries(fields)) {
    const kept = values.filter(Boolean);
    fields[name] = kept.length ? kept : [''];
  }
  return { find: text.slice(0, starts[0]?.index ?? text.length).trim(), fields };
}

export function write({ find, fields }: Filter): string {
  const lists = Object.entries(fields).map(([name, values]) => `${name}=${values.join(',')}`);
  return [find, ...lists].filter(Boolean).join(' ');
}

/** For the part of the address after `#`: to be read by people too, so commas and stars stay. */
export function toFragment({ find, fields }: Filter): string {
  const encode = (text: string) => encodeURIComponent(text).replaceAll('%20', '+').replaceAll('%2F', '/').replaceAll('%2C', ',');
  const pairs = Object.entries(fields).map(([name, values]) => `${name}=${encode(values.join(','))}`);
  return [find && `find=${encode(find)}`, ...pairs].filter(Boolean).join('&');
}

export function fromFragment(fragment: string): Filter {
  const filter: Filter = { find: '', fields: {} };
  for (const [name, list] of new URLSearchParams(fragment.replace(/^#/, ''))) {
    if (name === 'find') filter.find = list;
    else if (name !== 'key' && /^[a-z_]+$/.test(name)) filter.fields[name] = list.split(',').map((value) => value.trim());
  }
  return filter;
}

/** Fields that are known only once a filing is archived, or that may ask for nothing else. */
const KNOWN_LATE = ['types', 'items', 'document_types', 'sics', 'states'];

/** Whether a filing that matches is told as soon as it is seen. */
export const isKnownEarly = (fields: Fields): boolean => KNOWN_LATE.every((name) => !(name in fields));

export const isSame = (one: Fields, other: Fields): boolean => JSON.stringify(one) === JSON.stringify(other);
