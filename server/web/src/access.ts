/**
 * The API key and the tickets it is good for.
 *
 * Invariant: the key is sent in a header and nowhere else. It is kept for this tab; for longer only
 * when the reader says so.
 */

const KEPT = 'filingwire.key';

export interface Ticket {
  ticket?: string;
  /** The folder of the documents of a filing, where the ticket is for one. */
  documents?: string;
  /** Why there is none, to be shown to whoever has to give another key. */
  refused?: string;
  unreachable?: boolean;
}

/** Asks the server. Gives nothing when it cannot be reached. */
export async function ask(path: string, options: RequestInit = {}): Promise<Response | null> {
  return fetch(path, { cache: 'no-store', credentials: 'omit', ...options }).catch(() => null);
}

/** The message of a problem, or the status in words. */
export async function problemOf(answer: Response): Promise<string> {
  const problem: unknown = await answer.json().catch(() => null);
  const detail = problem && typeof problem === 'object' ? (problem as Record<string, unknown>)['detail'] : null;
  return typeof detail === 'string' ? detail : `the server answered ${answer.status}`;
}

export class Access {
  key: string | null;
  /** Whether the server lets everybody in. */
  open = false;

  constructor() {
    this.key = fromAddress() ?? sessionStorage.getItem(KEPT) ?? localStorage.getItem(KEPT);
  }

  use(key: string, forLonger: boolean): void {
    this.key = key;
    sessionStorage.setItem(KEPT, key);
    if (forLonger) localStorage.setItem(KEPT, key);
    else localStorage.removeItem(KEPT);
  }

  forget(): void {
    this.key = null;
    sessionStorage.removeItem(KEPT);
    localStorage.removeItem(KEPT);
  }

  get headers(): Record<string, string> {
    return this.key ? { authorization: `Bearer ${this.key}` } : {};
  }

  /** A ticket for one use, or for the documents of a filing, where there is a key; nothing where there is none. */
  async ticket(filing = ''): Promise<Ticket> {
    if (!this.key) return {};
    const answer = await ask(`v1/tickets${filing && `?filing=${filing}`}`, { method: 'POST', headers: this.headers });
    if (!answer) return { unreachable: true };
    if (answer.ok) return (await answer.json()) as Ticket;
    return answer.status === 401 ? { refused: await problemOf(answer) } : { unreachable: true };
  }

  /** The address with a ticket, for what can send no header: a frame, a download. */
  async admit(path: string): Promise<string> {
    const { ticket } = await this.ticket();
    return ticket ? `${path}?ticket=${encodeURIComponent(ticket)}` : path;
  }

  /** Where a frame reads the documents of a filing and asks for the pictures beside them. */
  async folder(accession: string): Promise<string> {
    const { documents } = await this.ticket(accession);
    return documents ?? `v1/filings/${accession}/documents/`;
  }
}

/** Takes the key out of the address: addresses are shared and kept in histories. */
export function fromAddress(): string | null {
  const parts = location.hash.slice(1).split('&').filter(Boolean);
  const given = parts.find((part) => part.startsWith('key='));
  if (!given) return null;
  const rest = parts.filter((part) => part !== given).join('&');
  history.replaceState(null, '', location.pathname + location.search + (rest ? `#${rest}` : ''));
  const key = decodeURIComponent(given.slice(4));
  sessionStorage.setItem(KEPT, key);
  return key;
}
