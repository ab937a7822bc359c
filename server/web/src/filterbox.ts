/**
 * The filter box: text, what completes it, what the server has against it.
 *
 * Elsewhere: the syntax (`filter`), what is offered (`completion`).
 *
 * Invariant: a filter is applied on Enter, on choosing a chip and on leaving the box, or when the
 * reader rests; the words to find are applied with every key.
 */

import { offersAt, type Met, type Offer, type Offers } from './completion';
import { $, make, say } from './dom';
import { parse, write, type Filter } from './filter';

/** Rest after the last key before a changed filter is sent: no half a word. */
const REST_MS = 700;

interface Hooks {
  met: Met;
  find: (words: string) => void;
  apply: (filter: Filter) => void;
}

export class FilterBox {
  private readonly input = $<HTMLInputElement>('filter');
  private readonly list = $('offers');
  private readonly wrong = $('filter-wrong');
  private offers: Offers = { from: 0, to: 0, offers: [] };
  private chosen = -1;
  private timer = 0;

  constructor(private readonly hooks: Hooks) {
    this.input.addEventListener('input', () => this.typed());
    this.input.addEventListener('focus', () => this.input.value || this.offer());
    this.input.addEventListener('click', () => this.offer());
    this.input.addEventListener('blur', () => this.leave());
    this.input.addEventListener('keydown', (event) => this.key(event));
    $('filter-clear').addEventListener('click', () => { this.set({ find: '', fields: {} }); this.apply(); this.focus(); });
    for (const chip of document.querySelectorAll<HTMLElement>('[data-filter]')) chip.addEventListener('click', () => this.toggle(chip));
    this.mark();
  }

  focus(): void {
    this.input.focus();
    this.input.select();
  }

  set(filter: Filter): void {
    this.input.value = write(filter);
    this.mark();
  }

  /** What the server has against the filter; nothing takes it away. */
  complain(message: string): void {
    say(this.wrong, message);
    this.wrong.hidden = !message;
    this.input.setAttribute('aria-invalid', String(Boolean(message)));
  }

  private typed(): void {
    const filter = parse(this.input.value);
    this.hooks.find(filter.find);
    this.mark();
    this.offer();
    clearTimeout(this.timer);
    // A field without a value is one that is being written.
    const isWhole = !/=\s*$|,\s*$/.test(this.input.value);
    if (isWhole) this.timer = setTimeout(() => this.apply(), REST_MS);
  }

  private leave(): void {
    this.close();
    if (this.input.value.endsWith('=')) return;
    this.apply();
  }

  private apply(): void {
    clearTimeout(this.timer);
    this.mark();
    this.hooks.apply(parse(this.input.value));
  }

  /** A chip sets its field, or takes it away when it is set so. */
  private toggle(chip: HTMLElement): void {
    const now = parse(this.input.value), wanted = parse(chip.dataset['filter'] ?? '');
    const isOn = chip.getAttribute('aria-pressed') === 'true';
    for (const [name, values] of Object.entries(wanted.fields)) {
      if (isOn) delete now.fields[name];
      else now.fields[name] = values;
    }
    this.set(now);
    this.apply();
  }

  /** Shows which chips the filter is made of. */
  private mark(): void {
    const { fields, find } = parse(this.input.value);
    $('filter-clear').hidden = !find && Object.keys(fields).length === 0;
    for (const chip of document.querySelectorAll<HTMLElement>('[data-filter]')) {
      const wanted = Object.entries(parse(chip.dataset['filter'] ?? '').fields);
      const isOn = wanted.every(([name, values]) => fields[name]?.join(',').toUpperCase() === values.join(',').toUpperCase());
      chip.setAttribute('aria-pressed', String(isOn));
    }
  }

  private key(event: KeyboardEvent): void {
    const { key } = event, isOpen = !this.list.hidden;
    if (key === 'Enter') {
      event.preventDefault();
      const offer = this.offers.offers[this.chosen];
      if (isOpen && offer) return this.take(offer);
      this.close();
      return this.apply();
    }
    if (key === 'Escape' && isOpen) {
      event.stopPropagation();
      return this.close();
    }
    if (key === 'Escape') return this.input.blur();
    if (key === 'Tab' && isOpen && this.chosen >= 0) {
      event.preventDefault();
      const offer = this.offers.offers[this.chosen];
      return offer && this.take(offer);
    }
    if (key !== 'ArrowDown' && key !== 'ArrowUp') return;
    event.preventDefault();
    if (!isOpen) return this.offer();
    const many = this.offers.offers.length;
    const next = key === 'ArrowDown' ? this.chosen + 1 : Math.max(this.chosen, 0) + many - 1;
    this.choose(next % many);
  }

  private take(offer: Offer): void {
    const { from, to } = this.offers, text = this.input.value;
    const isName = offer.text.endsWith('=');
    this.input.value = text.slice(0, from) + offer.text + text.slice(to);
    const caret = from + offer.text.length;
    this.input.setSelectionRange(caret, caret);
    this.mark();
    if (isName) return this.offer();
    this.close();
    this.apply();
  }

  private offer(): void {
    this.offers = offersAt(this.input.value, this.input.selectionStart ?? this.input.value.length, this.hooks.met);
    const begun = this.input.value.slice(this.offers.from, this.offers.to);
    const isDone = this.offers.offers.length === 1 && this.offers.offers[0]?.text === begun;
    if (this.offers.offers.length === 0 || isDone || document.activeElement !== this.input) return this.close();
    this.list.replaceChildren(...this.offers.offers.map((offer, nth) => this.option(offer, nth)));
    this.list.hidden = false;
    this.input.setAttribute('aria-expanded', 'true');
    this.choose(-1);
  }

  private option(offer: Offer, nth: number): HTMLElement {
    const option = make('li', '', make('b', '', offer.text), ' ', make('span', '', offer.hint));
    Object.assign(option, { id: `offer-${nth}`, role: 'option' });
    // Before the box loses the focus.
    option.addEventListener('pointerdown', (event) => { event.preventDefault(); this.take(offer); });
    return option;
  }

  private choose(nth: number): void {
    this.chosen = nth;
    for (const [at, option] of [...this.list.children].entries()) option.setAttribute('aria-selected', String(at === nth));
    if (nth >= 0) this.input.setAttribute('aria-activedescendant', `offer-${nth}`);
    else this.input.removeAttribute('aria-activedescendant');
  }

  private close(): void {
    this.list.hidden = true;
    this.chosen = -1;
    this.input.setAttribute('aria-expanded', 'false');
    this.input.removeAttribute('aria-activedescendant');
  }
}
