/** The keys. They rest while somebody writes, and leave alone what a browser does with Ctrl, Alt and Meta. */

import { $ } from './dom';

export interface Keys {
  next: () => void;
  previous: () => void;
  open: () => void;
  back: () => void;
  filter: () => void;
  top: () => void;
  pause: () => void;
  theme: () => void;
}

export function startKeyboard(keys: Keys): void {
  const help = $<HTMLDialogElement>('help');
  const showHelp = () => (help.open ? help.close() : help.showModal());
  $('help-open').addEventListener('click', showHelp);
  $('help-close').addEventListener('click', () => help.close());
  help.addEventListener('click', ({ target }) => target === help && help.close());
  const actions: Record<string, () => void> = {
    j: keys.next, ArrowDown: keys.next, k: keys.previous, ArrowUp: keys.previous, Enter: keys.open, o: keys.open,
    Escape: keys.back, '/': keys.filter, g: keys.top, Home: keys.top, p: keys.pause, t: keys.theme, '?': showHelp,
  };
  addEventListener('keydown', (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.altKey || event.metaKey || help.open) return;
    if (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement) return;
    // A button does by itself what Enter asks of it, and what scrolls is scrolled by arrows.
    const inList = target instanceof Element && (target === document.body || target.closest('#window') !== null);
    if (!inList && (key === 'Enter' || key.startsWith('Arrow') || key === 'Home')) return;
    const action = actions[key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
