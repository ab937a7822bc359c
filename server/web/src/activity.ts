/**
 * The charts: filings per minute today beside a usual day, and how soon filings are seen.
 *
 * Elsewhere: what is counted (`GET /v1/activity`). Colours are those of the page, asked for when a
 * chart is drawn, so that a canvas follows the theme.
 */

import uPlot from 'uplot';
import { ask } from './access';
import { $, make, say } from './dom';
import type { Activity, Delays } from './frames';
import { count, duration, sourceName } from './words';

const PERIOD_MS = 5000;
/** The filings come first. */
const FIRST_MS = 350;

/** EDGAR takes filings from 06:00 to 22:00. */
const DAY: [number, number] = [6 * 60, 22 * 60];

type Span = 'hour' | 'day';

const COLOURS: Record<string, string> = { atom: 'periodic', efts: 'offering' };

export class Charts {
  private activity: Activity | null = null;
  private span: Span = 'hour';
  private pace: uPlot | null = null;
  private delay: uPlot | null = null;
  private delaySources = '';

  constructor() {
    const look = () => document.hidden || void this.look();
    setTimeout(look, FIRST_MS);
    setInterval(look, PERIOD_MS);
    document.addEventListener('visibilitychange', look);
    new ResizeObserver(() => this.resize()).observe($('charts'));
    for (const button of document.querySelectorAll<HTMLElement>('[data-span]')) {
      button.addEventListener('click', () => this.choose(button.dataset['span'] as Span));
    }
  }

  /** The theme has changed. */
  repaint(): void {
    for (const chart of [this.pace, this.delay]) chart?.destroy();
    [this.pace, this.delay] = [null, null];
    this.draw();
  }

  private choose(span: Span): void {
    this.span = span;
    for (const button of document.querySelectorAll<HTMLElement>('[data-span]')) button.setAttribute('aria-pressed', String(button.dataset['span'] === span));
    this.draw();
  }

  private async look(): Promise<void> {
    const answer = await ask('v1/activity');
    const activity = answer?.ok ? ((await answer.json().catch(() => null)) as Activity | null) : null;
    if (!activity) return;
    this.activity = activity;
    this.draw();
  }

  private draw(): void {
    if (!this.activity) return;
    $('charts').hidden = false;
    this.drawPace(this.activity);
    this.drawDelays(this.activity);
  }

  private drawPace({ since = 0, today, usual, usual_days: days }: Activity): void {
    const minute = today.length - 1;
    const [from, to] = this.span === 'day' ? [Math.min(DAY[0], minute), Math.max(DAY[1], minute)] : [Math.max(0, minute - 60, Math.min(since, minute - 10)), minute];
    // The minute that runs is not over, and the first one began before it was counted: falls that are none.
    const whole = (at: number) => (at > since && at < minute ? (today[at] ?? 0) : null);
    const step = this.span === 'day' ? 5 : 1;
    const at = Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, nth) => from + nth * step);
    const mean = (series: (minute: number) => number | null, start: number) => meanOf(Array.from({ length: step }, (_, nth) => series(start + nth)));
    const data: uPlot.AlignedData = [at, at.map((start) => mean((m) => usual[m] ?? null, start)), at.map((start) => mean(whole, start))];
    this.pace ??= new uPlot(this.paceOptions(), data, $('pace'));
    this.pace.setData(data);
    const last = today.slice(Math.max(0, since + 1, minute - 5), minute), rate = meanOf(last);
    const ordinary = meanOf(usual.slice(Math.max(0, minute - 5), minute));
    say($('pace-now'), rate === null ? '–' : rate.toFixed(rate < 9.95 ? 1 : 0));
    say($('pace-note'), days === 0 ? 'A usual day is known after the first whole business day.' : `Usually ${(ordinary ?? 0).toFixed(1)} at this time: median of ${count(days)} business days.`);
    $('pace').ariaLabel = `Filings per minute: ${(rate ?? 0).toFixed(1)} on average of the last five minutes`;
  }

  private drawDelays({ delays }: Activity): void {
    const sources = Object.keys(delays);
    $('delay-part').hidden = sources.length === 0;
    if (sources.length === 0) return;
    const rows = sources.map((source) => delayRow(source, delays[source] as Delays));
    $('delay-rows').replaceChildren(...rows);
    const bounds = [...new Set(sources.flatMap((source) => delays[source]?.buckets.map(([bound]) => bound) ?? []))].sort((one, other) => one - other);
    const share = (source: string) => sharesOf(delays[source] as Delays, bounds);
    const data: uPlot.AlignedData = [bounds.map((bound) => bound / 1000), ...sources.map(share)];
    if (this.delaySources !== sources.join()) {
      this.delay?.destroy();
      [this.delay, this.delaySources] = [null, sources.join()];
    }
    this.delay ??= new uPlot(this.delayOptions(sources), data, $('delay'));
    this.delay.setData(data);
    $('delay').ariaLabel = sources.map((source) => `${sourceName(source)}: half of the filings within ${duration(delays[source]?.p50_ms ?? 0)}`).join('; ');
  }

  private paceOptions(): uPlot.Options {
    const minuteOfDay = (_: uPlot, at: number[]) => at.map((minute) => `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`);
    const axis = axisOf();
    return {
      ...frame($('pace')),
      scales: { x: { time: false }, y: { range: (_, _low, high) => [0, Math.max(4, high * 1.1)] } },
      axes: [
        { ...axis, values: minuteOfDay, incrs: [5, 10, 15, 30, 60, 120, 180, 240], space: 56, size: 26 },
        { ...axis, size: 34, space: 30, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
      ],
      series: [
        {},
        { stroke: colour('quiet'), width: 1.25, dash: [4, 4], points: { show: false } },
        { stroke: colour('accent'), fill: colour('accent-soft'), width: 1.75, points: { show: false } },
      ],
    } as uPlot.Options;
  }

  private delayOptions(sources: string[]): uPlot.Options {
    const axis = axisOf();
    const series = sources.map((source) => {
      const stroke = colour(COLOURS[source] ?? 'other');
      return { stroke, width: 1.75, points: { show: false } };
    });
    return {
      ...frame($('delay')),
      scales: { x: { time: false, distr: 3 }, y: { range: [0, 100] } },
      axes: [
        { ...axis, values: (_: uPlot, at: number[]) => at.map((seconds) => (seconds ? duration(seconds * 1000) : '')), size: 26, space: 48, grid: { show: false } },
        { ...axis, size: 34, incrs: [25, 50], values: (_: uPlot, at: number[]) => at.map((percent) => `${percent}%`) },
      ],
      series: [{}, ...series],
    } as uPlot.Options;
  }

  private resize(): void {
    const width = $('pace').clientWidth;
    if (width < 40) return;
    this.pace?.setSize({ width, height: 132 });
    this.delay?.setSize({ width, height: 104 });
  }
}

/** What part of the filings, in percent, is seen within each of these bounds. */
function sharesOf({ buckets, filings }: Delays, bounds: number[]): number[] {
  const counts = new Map(buckets);
  let passed = 0;
  return bounds.map((bound) => (100 * (passed += counts.get(bound) ?? 0)) / Math.max(1, filings));
}

function delayRow(source: string, { filings, p50_ms, p99_ms }: Delays): HTMLElement {
  const name = make('th', '', make('i', `swatch s-${COLOURS[source] ?? 'other'}`), sourceName(source));
  name.scope = 'row';
  const cells = [duration(p50_ms), duration(p99_ms), count(filings)].map((text) => make('td', '', text));
  return make('tr', '', name, ...cells);
}

function meanOf(numbers: (number | null)[]): number | null {
  const known = numbers.filter((number) => number !== null);
  return known.length ? known.reduce((sum, number) => sum + number, 0) / known.length : null;
}

function frame(place: HTMLElement): Pick<uPlot.Options, 'width' | 'height' | 'legend' | 'cursor'> {
  return { width: place.clientWidth || 320, height: place.id === 'pace' ? 132 : 104, legend: { show: false }, cursor: { show: false } };
}

function axisOf(): uPlot.Axis {
  return { stroke: colour('quiet'), font: '11px Inter, system-ui, sans-serif', gap: 4, grid: { stroke: colour('rule'), width: 1 }, ticks: { show: false } };
}

/** A colour of the page as it is now. */
function colour(name: string): string {
  const probe = make('i', `s-${name}`);
  $('charts').append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
