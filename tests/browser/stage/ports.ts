// Addresses for programs that must be told where to listen, because others look for them there.
import { createServer, type Server } from 'node:net';

/** Below those that the system hands out by itself, so that nobody is given one before its use. */
const FIRST = 20_000;
const COUNT = 10_000;

const listen = (port: number) =>
  new Promise<Server | undefined>((answer) => {
    const server = createServer();
    server.once('error', () => answer(undefined));
    server.listen(port, '127.0.0.1', () => answer(server));
  });

/** Free addresses of this machine, all different. */
export async function freeAddresses(count: number): Promise<string[]> {
  const start = Math.floor(Math.random() * COUNT);
  const held: { server: Server; address: string }[] = [];
  for (let n = 0; n < COUNT && held.length < count; n++) {
    const port = FIRST + ((start + n) % COUNT);
    const server = await listen(port);
    if (server) held.push({ server, address: `127.0.0.1:${port}` });
  }
  // Held until all are chosen.
  await Promise.all(held.map(({ server }) => new Promise((closed) => server.close(closed))));
  if (held.length < count) throw new Error(`no ${count} ports are free from ${FIRST} on`);
  return held.map(({ address }) => address);
}
