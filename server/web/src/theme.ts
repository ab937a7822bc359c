/** Light or dark: as the system has it, until the reader says otherwise. */

import { $ } from './dom';

const KEPT = 'filingwire.theme';
type Theme = 'auto' | 'light' | 'dark';
const NEXT: Record<Theme, Theme> = { auto: 'light', light: 'dark', dark: 'auto' };
const NAMES: Record<Theme, string> = { auto: 'as your system', light: 'light', dark: 'dark' };

export function startTheme(changed: () => void): { turn: () => void } {
  const kept = localStorage.getItem(KEPT);
  let theme: Theme = kept === 'light' || kept === 'dark' ? kept : 'auto';
  const button = $('theme');
  const show = () => {
    document.documentElement.dataset['theme'] = theme;
    button.dataset['theme'] = theme;
    button.ariaLabel = button.title = `Colours: ${NAMES[theme]}`;
    changed();
  };
  const turn = () => {
    theme = NEXT[theme];
    if (theme === 'auto') localStorage.removeItem(KEPT);
    else localStorage.setItem(KEPT, theme);
    show();
  };
  button.addEventListener('click', turn);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed);
  show();
  return { turn };
}
