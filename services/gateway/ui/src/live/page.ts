// The page's own socket, started once by main.tsx.
import { useSyncExternalStore } from 'react';
import { queryClient } from '../api/queryClient';
import { BackgroundSocket, type WorkerLike } from './backgroundSocket';
import { LiveSocket, type Connection, type SocketLike } from './socket';

let worker: WorkerLike | undefined;

function open(): SocketLike {
  const { protocol, host } = window.location;
  // Kept over all connections: while the server is away there is nowhere to get another from.
  worker ??= new Worker(new URL('./background.ts', import.meta.url), {
    type: 'module',
  }) as unknown as WorkerLike;
  return new BackgroundSocket(worker, `${protocol === 'https:' ? 'wss' : 'ws'}://${host}/api/v1/ws`, () => {
    worker = undefined;
  });
}

export const socket = new LiveSocket({ open });

/** What could not be asked while the server was away is asked when it is back. */
function askAgainWhenBack(): void {
  if (socket.connection().phase !== 'live') return;
  void queryClient.invalidateQueries({
    predicate: ({ state }) => state.error !== null || state.fetchFailureCount > 0,
  });
}

export function startLive(): void {
  socket.watch(askAgainWhenBack);
  socket.start();
  window.addEventListener('online', socket.hurry);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') socket.hurry();
  });
}

export function useConnection(): Connection {
  return useSyncExternalStore(socket.watch, socket.connection);
}
