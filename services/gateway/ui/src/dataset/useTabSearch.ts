// The part of the address behind the question mark, as one tab reads it.
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';

/** Reads the address with `parse`; the setter changes some of it and keeps the rest, without a new step in the history. */
export function useTabSearch<S extends object>(parse: (from: Record<string, unknown>) => S) {
  const raw = useSearch({ strict: false });
  const navigate = useNavigate();
  const change = useCallback(
    (part: Partial<S>) => {
      void navigate({
        to: '.',
        replace: true,
        resetScroll: false,
        search: (before: object) => ({ ...before, ...part }) as never,
      });
    },
    [navigate],
  );
  return [parse(raw), change] as const;
}
