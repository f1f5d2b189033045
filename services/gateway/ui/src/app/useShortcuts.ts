// Keys that work on every screen: `/` goes to the search; j and k go through whatever list is there.
import { useEffect } from 'react';

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    target.closest('input, textarea, select, [contenteditable], dialog') !== null
  );
}

/** Items of lists are marked with `data-list-item` and can take the focus. */
function move(step: 1 | -1): void {
  const items = [...document.querySelectorAll<HTMLElement>('[data-list-item]')];
  const at = items.findIndex((item) => item.contains(document.activeElement));
  const next = at === -1 ? (step === 1 ? 0 : items.length - 1) : at + step;
  items[next]?.focus();
  items[next]?.scrollIntoView({ block: 'nearest' });
}

export function useShortcuts(): void {
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (isTyping(event.target)) return;
      if (event.key === '/') {
        const search = document.querySelector<HTMLInputElement>('[role=searchbox], input[type=search]');
        if (search === null) return;
        event.preventDefault();
        search.focus();
        search.select();
      } else if (event.key === 'j' || event.key === 'k') {
        move(event.key === 'j' ? 1 : -1);
      }
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  }, []);
}
