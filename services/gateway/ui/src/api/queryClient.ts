// The cache of server state. Nothing is asked again by time or focus: the feed says what is out of date.
import { QueryClient } from '@tanstack/react-query';
import { ApiProblem } from './problem';

const MOST_TRIES = 3;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      refetchOnWindowFocus: false,
      refetchOnReconnect: true,
      retry: (count, error) => count < MOST_TRIES && ApiProblem.from(error).retryable,
    },
  },
});
