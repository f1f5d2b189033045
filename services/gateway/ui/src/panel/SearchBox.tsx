// The search field: what is typed goes to the address a moment later, and from there to the server.
import { useEffect, useRef, useState } from 'react';
import { IconButton } from '../ui/Button';
import { Icon } from '../ui/Icon';
import { Kbd } from '../ui/parts';

const PAUSE_MS = 120;

interface Props {
  label: string;
  value: string;
  onSearch: (q: string) => void;
}

export function SearchBox({ label, value, onSearch }: Props) {
  const [typed, setTyped] = useState(value);
  const [known, setKnown] = useState(value);
  const [sent, setSent] = useState(value);
  const input = useRef<HTMLInputElement>(null);
  // The address changed by other means: a link, or the way back.
  if (known !== value) {
    setKnown(value);
    // What was sent from here comes back late: meanwhile more was typed.
    if (value !== sent) setTyped(value);
  }
  useEffect(() => {
    if (typed === value) return undefined;
    const timer = setTimeout(() => {
      setSent(typed);
      onSearch(typed);
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed, value, onSearch]);
  return (
    <div role="search" className="relative w-full sm:w-72">
      <Icon name="search" size={14} className="pointer-events-none absolute top-2.25 left-2.5 text-faint" />
      <input
        ref={input}
        type="search"
        aria-label={label}
        aria-keyshortcuts="/"
        placeholder={label}
        spellCheck={false}
        autoComplete="off"
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          if (typed === '') event.currentTarget.blur();
          else setTyped('');
        }}
        className="h-8 w-full rounded-md border border-field bg-surface pr-8 pl-8 text-sm [&::-webkit-search-cancel-button]:hidden"
      />
      <span className="absolute top-0.5 right-1 flex h-7 items-center">
        {typed === '' ? (
          <span className="mr-1 max-sm:hidden">
            <Kbd>/</Kbd>
          </span>
        ) : (
          <IconButton
            icon="close"
            label="Clear search"
            size="sm"
            onClick={() => {
              setTyped('');
              input.current?.focus();
            }}
          />
        )}
      </span>
    </div>
  );
}
