/**
 * A document in place.
 *
 * Invariant: it is hostile. It is shown in a frame without any right, and the server sends it with a
 * policy of its own: no script runs, and it has no origin, so neither this page nor its key is in reach.
 */

import { ask, problemOf, type Access } from './access';
import { $, make, say } from './dom';
import type { FiledDocument, Filing } from './frames';
import { size } from './words';

/** What a frame without rights can show; a PDF needs a viewer that has some. */
const READABLE = /\.(html?|txt|text|xml|jpe?g|gif|png)$/i;

export class Reader {
  private readonly pane = $('reader');
  private readonly title = $('reader-title');
  private readonly place = $('reader-place');
  private path = '';
  private document: FiledDocument | null = null;
  private asked = 0;

  constructor(private readonly access: Access) {
    $('reader-close').addEventListener('click', () => this.close());
    $('reader-download').addEventListener('click', () => void this.download());
  }

  get isOpen(): boolean {
    return !this.pane.hidden;
  }

  async open(filing: Filing, document: FiledDocument): Promise<void> {
    const mine = (this.asked += 1);
    this.document = document;
    this.path = `v1/filings/${filing.accession}/documents/${document.ordinal}`;
    this.pane.hidden = false;
    window.document.body.classList.add('is-reading');
    say(this.title, `${document.type} · ${document.filename} · ${size(document.size_bytes)}`);
    this.tell('Fetching…');
    const wrong = await this.wrong();
    if (mine !== this.asked) return;
    if (wrong) return this.tell(wrong);
    if (!READABLE.test(document.filename)) return this.tell('This kind of document is not shown here; download it.');
    const folder = await this.access.folder(filing.accession);
    if (mine === this.asked) this.show(`${folder}${document.ordinal}`, document);
  }

  close(): void {
    this.asked += 1;
    this.pane.hidden = true;
    this.place.replaceChildren();
    window.document.body.classList.remove('is-reading');
  }

  /** Why the document cannot be given: a frame would show it as JSON. */
  private async wrong(): Promise<string> {
    const answer = await ask(this.path, { headers: { ...this.access.headers, range: 'bytes=0-0' } });
    if (!answer) return 'The server does not answer.';
    const why = answer.ok ? '' : await problemOf(answer);
    await answer.body?.cancel().catch(() => undefined);
    return why;
  }

  private show(address: string, document: FiledDocument): void {
    const frame = make('iframe');
    frame.setAttribute('sandbox', '');
    frame.referrerPolicy = 'no-referrer';
    frame.title = `${document.type}, ${document.filename}`;
    frame.src = address;
    this.place.replaceChildren(frame);
  }

  private tell(words: string): void {
    this.place.replaceChildren(make('p', 'quiet', words));
  }

  private async download(): Promise<void> {
    if (!this.document) return;
    const anchor = make('a');
    anchor.href = await this.access.admit(this.path);
    anchor.download = this.document.filename;
    anchor.click();
  }
}
