// The live preview: asks a moment after the last change, and keeps showing the last answer meanwhile.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { preview } from '../queries';
import type { TokenizeRequest } from './form';

const PAUSE_MS = 250;

export function usePreview(request: TokenizeRequest | undefined, text: string, isChat = false) {
  // As text, so that an equal request made by another render is no change.
  const wanted = JSON.stringify([request ?? null, text, isChat]);
  const settled = useSettled(wanted, PAUSE_MS);
  const [lastRequest, lastText, lastIsChat] = JSON.parse(settled) as [
    TokenizeRequest | null,
    string,
    boolean,
  ];
  const query = useQuery(preview(lastRequest ?? undefined, lastText, lastIsChat));
  // Without a tokenizer or a text nothing is asked, and the last answer is of something else.
  const isIdle = query.fetchStatus === 'idle' && query.isPlaceholderData;
  return {
    ...query,
    data: isIdle ? undefined : query.data,
    isBehind: settled !== wanted || query.isFetching,
  };
}

/** The value once it has not changed for so many milliseconds. */
function useSettled<T>(value: T, milliseconds: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return settled;
}
