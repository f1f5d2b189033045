// Where readers reach the services: the page's own host with the default ports, until someone says otherwise.
import { useState } from 'react';
import type { Addresses } from './snippets';

export function useAddresses() {
  const [changed, setChanged] = useState<Partial<Addresses>>({});
  const addresses: Addresses = { ...guessed(), ...changed };
  return [addresses, (part: Partial<Addresses>) => setChanged((before) => ({ ...before, ...part }))] as const;
}

function guessed(): Addresses {
  const { hostname, origin } = window.location;
  return { gateway: origin, flight: `grpc://${hostname}:8815`, catalog: `${hostname}:50051` };
}
