/**
 * The list: a window on the shelf. Only lines in view are elements; each is placed from the bottom, so
 * that new filings on top move no other line, only the window.
 *
 * New filings wait while somebody reads: further down, with a line selected, or with the hand on it.
 *
 * Elsewhere: what is kept (`shelf`), one line (`row`), the keys (`keyboard`).
 */

import { $, say, wantsStillness } from './dom';
import { Row } from './row';
import type { Entry, Shelf } from './shelf';
import { count } from './words';

/** Lines beyond either edge of the window. */
const MARGIN = 6;
/** Shortest time between two times that new filings come in: what moves all the time cannot be read. */
const PACE_MS = 160;
/** New lines that glide in and light up; more of them are simply there. */
const GLIDE = 8;
/** How long the hand's movement holds the list. */
const HAND_MS = 1500;

interface Hooks {
  open: (entry: Entry) => void;
}

export class List {
  isPaused = false;
  private readonly window = $('window');
  private readonly rows = $('filings');
  private readonly pill = $('fresh');
  private readonly live = new Map<string, Row>();
  private readonly spare: Row[] = [];
  /** Entries whose line is to light up when it is made. */
  private readonly fresh = new Set<string>();
  /** Of a line and of the window, and how far it is scrolled: to ask each time costs a layout. */
  private height = 40;
  private view = 0;
  private top = 0;
  private selected: string | null = null;
  private isReading = false;
  private handMoved = -HAND_MS;
  private admitted = 0;
  private asked = false;
  private isEmpty = true;

  constructor(private readonly shelf: Shelf, private readonly hooks: Hooks) {
    this.window.addEventListener('scroll', () => this.scrolled(), { passive: true });
    this.rows.addEventListener('pointermove', (event) => this.hand(event));
    // Nothing moves between press and click.
    this.rows.addEventListener('pointerdown', () => this.touch());
    this.rows.addEventListener('pointerleave', () => { this.handMoved = -HAND_MS; this.ask(); });
    this.rows.addEventListener('click', (event) => this.clicked(event));
    this.pill.addEventListener('click', () => this.toTop());
    new ResizeObserver(() => this.measure()).observe(this.window);
    this.measure();
  }

  private scrolled(): void {
    this.top = this.window.scrollTop;
    this.ask();
  }

  private scrollTo(top: number): void {
    this.window.scrollTop = top;
    this.scrolled();
  }

  /** Draws before the next frame, once however often it is asked for. */
  ask(): void {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame((at) => this.frame(at));
  }

  /** An entry that may be in view has changed. */
  refresh(entry: Entry): void {
    this.live.get(entry.id)?.show(entry);
  }

  /** Everything is another: a new filter, other words to find. */
  redraw(): void {
    this.releaseAll();
    this.ask();
  }

  reset(): void {
    [this.selected, this.isReading, this.isEmpty] = [null, false, true];
    this.scrollTo(0);
    this.redraw();
  }

  toTop(): void {
    [this.isReading, this.isPaused, this.handMoved] = [false, false, -HAND_MS];
    this.scrollTo(0);
  }

  pause(): void {
    this.isPaused = !this.isPaused;
    this.ask();
  }

  /** Whoever read a filing is done, and goes on at its line. */
  resume(): void {
    this.isReading = false;
    if (this.selected) this.live.get(this.selected)?.element.focus({ preventScroll: true });
    this.ask();
  }

  deselect(): void {
    [this.selected, this.isReading] = [null, false];
    this.markSelected();
    this.ask();
  }

  /** Selects the line so many further down. */
  move(by: number): void {
    const { shown } = this.shelf;
    if (shown.length === 0) return;
    const now = this.selected ? shown.findIndex((entry) => entry.id === this.selected) : -1;
    const next = now < 0 ? this.first() : Math.min(shown.length - 1, Math.max(0, now - by));
    const entry = shown[next];
    if (entry) this.select(entry, next);
  }

  get chosen(): Entry | undefined {
    return this.selected ? this.shelf.get(this.selected) : undefined;
  }

  private first(): number {
    return this.shelf.shown.length - 1 - Math.floor(this.top / this.height);
  }

  private select(entry: Entry, place: number): void {
    [this.selected, this.isReading] = [entry.id, true];
    const top = (this.shelf.shown.length - 1 - place) * this.height;
    if (top < this.top) this.scrollTo(top);
    else if (top + this.height > this.top + this.view) this.scrollTo(top + this.height - this.view);
    this.draw();
    this.live.get(entry.id)?.element.focus({ preventScroll: true });
  }

  private clicked({ target }: Event): void {
    const id = target instanceof Element ? target.closest<HTMLElement>('.row')?.dataset['id'] : undefined;
    const entry = id === undefined ? undefined : this.shelf.get(id);
    if (!entry || getSelection()?.type === 'Range') return;
    this.select(entry, this.shelf.shown.indexOf(entry));
    this.hooks.open(entry);
  }

  private hand(event: PointerEvent): void {
    // Without a movement it was the list that moved, not the hand.
    if (event.pointerType !== 'mouse' || !(event.movementX || event.movementY)) return;
    this.touch();
  }

  private touch(): void {
    this.handMoved = performance.now();
    setTimeout(() => this.ask(), HAND_MS + 20);
  }

  private isHeld(at: number): boolean {
    if (this.shelf.shown.length === 0) return false;
    return this.isPaused || this.isReading || this.top > 4 || at - this.handMoved < HAND_MS;
  }

  private frame(at: number): void {
    this.asked = false;
    const waits = this.shelf.waits;
    const isHeld = this.isHeld(at);
    if (!isHeld && waits > 0 && at - this.admitted < PACE_MS) return this.ask();
    if (!isHeld) this.admit(at);
    this.draw();
    this.showPill(isHeld ? this.shelf.waits : 0);
  }

  private admit(at: number): void {
    const { added, removed } = this.shelf.admit();
    if (added === 0) return;
    this.admitted = at;
    // Places are counted from the oldest: when it leaves, all are others.
    if (removed > 0) this.releaseAll();
    if (!this.isEmpty) this.glide(added);
    this.isEmpty = false;
  }

  /** Lets the list glide down by the height of what was put on top of it. */
  private glide(added: number): void {
    if (added > GLIDE) return;
    for (const entry of this.shelf.shown.slice(-added)) this.fresh.add(entry.id);
    if (wantsStillness.matches) return;
    const steps = [{ transform: `translateY(-${added * this.height}px)` }, { transform: 'none' }];
    // `add` lets glides that overlap sum up instead of jumping.
    this.rows.animate(steps, { duration: 280, easing: 'cubic-bezier(.2, .7, .3, 1)', composite: 'add' });
  }

  private draw(): void {
    const { shown } = this.shelf, many = shown.length;
    this.rows.style.height = `${many * this.height}px`;
    const top = Math.floor(this.top / this.height) - MARGIN;
    const inView = Math.ceil(this.view / this.height) + 2 * MARGIN;
    const last = Math.min(many - 1, many - 1 - top), first = Math.max(0, last - inView);
    const wanted = new Map<string, number>();
    for (let place = last; place >= first; place -= 1) {
      const entry = shown[place];
      if (entry) wanted.set(entry.id, place);
    }
    for (const [id, row] of this.live) {
      if (wanted.has(id)) continue;
      this.release(row);
      this.live.delete(id);
    }
    for (const [id, place] of wanted) if (!this.live.has(id)) this.place(id, place);
    this.fresh.clear();
    $('empty').hidden = many > 0;
    this.markSelected();
  }

  private place(id: string, place: number): void {
    const entry = this.shelf.shown[place];
    if (!entry) return;
    const row = this.spare.pop() ?? new Row();
    row.show(entry);
    row.element.style.bottom = `${place * this.height}px`;
    row.element.classList.toggle('is-fresh', this.fresh.has(id));
    // Of a list that grows on top nobody knows the length.
    row.element.ariaPosInSet = String(this.shelf.shown.length - place);
    row.element.ariaSetSize = '-1';
    this.live.set(id, row);
    this.insert(row.element, place);
  }

  /** Into the order of reading, for those who do not see the places. */
  private insert(element: HTMLElement, place: number): void {
    const below = this.shelf.shown[place - 1];
    const next = below ? this.live.get(below.id)?.element : undefined;
    const above = this.shelf.shown[place + 1];
    const before = above ? this.live.get(above.id)?.element : undefined;
    if (next) return void next.before(element);
    if (before) return void before.after(element);
    this.rows.append(element);
  }

  private releaseAll(): void {
    for (const row of this.live.values()) this.release(row);
    this.live.clear();
  }

  private release(row: Row): void {
    row.element.remove();
    if (this.spare.length < 60) this.spare.push(row);
  }

  private markSelected(): void {
    let hasStop = false;
    for (const [id, { element }] of this.live) {
      const isIt = id === this.selected;
      element.classList.toggle('is-selected', isIt);
      element.tabIndex = isIt ? 0 : -1;
      hasStop ||= isIt;
    }
    const first = this.rows.querySelector<HTMLElement>('.row');
    if (!hasStop && first) first.tabIndex = 0;
  }

  private showPill(waits: number): void {
    this.pill.hidden = waits === 0 && !this.isPaused;
    say(this.pill.lastElementChild ?? this.pill, waits > 0 ? `${count(waits)} new` : 'held');
  }

  private measure(): void {
    this.height = $('ruler').offsetHeight || 40;
    [this.view, this.top] = [this.window.clientHeight, this.window.scrollTop];
    this.redraw();
  }
}
