/**
 * Elements. Text from filings is set as text, never as markup: there is no other way in this page,
 * and the browser is told so (`trusted-types 'none'`).
 */

export function $<E extends HTMLElement = HTMLElement>(id: string): E {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element ${id}`);
  return found as E;
}

type Child = Node | string | null | undefined | false;

export function make<T extends keyof HTMLElementTagNameMap>(tag: T, className = '', ...children: Child[]): HTMLElementTagNameMap[T] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child): child is Node | string => Boolean(child)));
  return element;
}

/** Sets a text only where it differs, so that nothing is laid out for nothing. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** A link for http and https; any other address stays what it is, text. */
export function link(text: string, address: string | undefined, className = ''): HTMLElement {
  const url = address && URL.canParse(address) ? new URL(address) : null;
  if (!url || !/^https?:$/.test(url.protocol)) return make('span', className, text);
  const anchor = make('a', className, text);
  Object.assign(anchor, { href: url.href, rel: 'noopener noreferrer', target: '_blank' });
  return anchor;
}

const SVG = 'http://www.w3.org/2000/svg';

/** One of the drawings in the page's own set. */
export function icon(name: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  svg.append(use);
  return svg;
}

export const wantsStillness = matchMedia('(prefers-reduced-motion: reduce)');
