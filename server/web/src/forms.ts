/**
 * What forms and items are, in a few words. Codes that are not here are shown as they are.
 *
 * Source: SEC, Form 8-K (items in force since August 2004), Index to Forms.
 */

export type Family = 'current' | 'periodic' | 'ownership' | 'offering' | 'fund' | 'other';

/** The group of a form, for its colour. */
export function family(form: string): Family {
  if (/^(8-K|6-K)/.test(form)) return 'current';
  if (/^(10-[KQD]|20-F|40-F|11-K|13F|NT 10)/.test(form)) return 'periodic';
  if (/^([345]|144|SC 13|SCHEDULE 13)(\/A| |$|[DG])/.test(form)) return 'ownership';
  if (/^(S-|F-|424|FWP|D$|D\/|1-A|POS|EFFECT)/.test(form)) return 'offering';
  return /^(N-|N[A-Z]+-|497|485)/.test(form) ? 'fund' : 'other';
}

const FORMS: [RegExp, string][] = [
  [/^8-K/, 'Current report'],
  [/^6-K/, 'Report of a foreign issuer'],
  [/^10-Q/, 'Quarterly report'],
  [/^10-K/, 'Annual report'],
  [/^10-D/, 'Asset-backed distribution report'],
  [/^20-F|^40-F/, 'Annual report of a foreign issuer'],
  [/^13F/, 'Holdings of an institutional manager'],
  [/^3(\/A)?$/, 'Initial statement of an insider’s ownership'],
  [/^4(\/A)?$/, 'Change in an insider’s ownership'],
  [/^5(\/A)?$/, 'Annual statement of an insider’s ownership'],
  [/^144/, 'Proposed sale of restricted securities'],
  [/^(SC|SCHEDULE) 13D/, 'Beneficial ownership over 5 %, active'],
  [/^(SC|SCHEDULE) 13G/, 'Beneficial ownership over 5 %, passive'],
  [/^424B/, 'Prospectus'],
  [/^FWP/, 'Free writing prospectus'],
  [/^S-8/, 'Securities for employees'],
  [/^S-[134]|^F-[134]/, 'Registration of securities'],
  [/^D(\/A)?$/, 'Exempt offering'],
  [/^DEF 14A|^PRE 14A|^DEFA14A/, 'Proxy statement'],
  [/^NPORT/, 'Portfolio of a fund'],
  [/^N-CSR/, 'Shareholder report of a fund'],
  [/^N-PX/, 'Proxy votes of a fund'],
  [/^N-CEN/, 'Annual report of a fund'],
  [/^497|^485/, 'Prospectus of a fund'],
  [/^NT /, 'Notice of late filing'],
  [/^CORRESP|^UPLOAD/, 'Correspondence with the SEC'],
  [/^EFFECT/, 'Notice of effectiveness'],
];

export function formTitle(form: string): string {
  const title = FORMS.find(([pattern]) => pattern.test(form))?.[1] ?? '';
  return title && form.endsWith('/A') ? `${title}, amended` : title;
}

const ITEMS_8K: Record<string, string> = {
  '1.01': 'Entry into a material definitive agreement',
  '1.02': 'Termination of a material definitive agreement',
  '1.03': 'Bankruptcy or receivership',
  '1.04': 'Mine safety',
  '1.05': 'Material cybersecurity incident',
  '2.01': 'Completion of an acquisition or disposition of assets',
  '2.02': 'Results of operations and financial condition',
  '2.03': 'Creation of a direct financial obligation',
  '2.04': 'Triggering event that accelerates an obligation',
  '2.05': 'Costs of exit or disposal activities',
  '2.06': 'Material impairments',
  '3.01': 'Notice of delisting or failure to satisfy a listing rule',
  '3.02': 'Unregistered sales of equity securities',
  '3.03': 'Material modification of rights of security holders',
  '4.01': 'Change in certifying accountant',
  '4.02': 'Non-reliance on earlier financial statements',
  '5.01': 'Change in control of the registrant',
  '5.02': 'Departure or election of directors or officers',
  '5.03': 'Amendment of articles or bylaws; change in fiscal year',
  '5.04': 'Suspension of trading under employee benefit plans',
  '5.05': 'Amendment or waiver of the code of ethics',
  '5.06': 'Change in shell company status',
  '5.07': 'Submission of matters to a vote of security holders',
  '5.08': 'Shareholder director nominations',
  '6.01': 'ABS informational and computational material',
  '6.02': 'Change of servicer or trustee',
  '6.03': 'Change in credit enhancement',
  '6.04': 'Failure to make a required distribution',
  '6.05': 'Securities Act updating disclosure',
  '7.01': 'Regulation FD disclosure',
  '8.01': 'Other events',
  '9.01': 'Financial statements and exhibits',
};

/** The exemption that an item of a form D claims. */
const ITEMS_D: Record<string, string> = { '06b': 'Rule 506(b)', '06c': 'Rule 506(c)', '04': 'Rule 504', '3C': 'Investment Company Act section 3(c)', '3C.1': 'Section 3(c)(1)', '3C.7': 'Section 3(c)(7)' };

export function itemTitle(form: string, item: string): string {
  const titles = form.startsWith('8-K') ? ITEMS_8K : /^D(\/A)?$/.test(form) ? ITEMS_D : {};
  return titles[item] ?? '';
}

export const ITEMS = Object.entries(ITEMS_8K);
