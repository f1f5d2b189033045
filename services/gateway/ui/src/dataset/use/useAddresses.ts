// Where readers reach the services: as the gateway says, until someone says otherwise.
import { queryOptions, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Addresses } from './snippets';

const aboutQuery = queryOptions({
  queryKey: ['about'],
  queryFn: async ({ signal }) => {
    const answer = await fetch('/api/v1/about', { signal });
    if (!answer.ok) throw new Error(`the gateway answered ${answer.status}`);
    return addressesIn((await answer.json()) as { flight?: string; catalog?: string });
  },
  staleTime: Infinity,
  retry: false,
});

/** gRPC clients take the catalog's address without its scheme. */
function addressesIn({ flight, catalog }: { flight?: string; catalog?: string }): Partial<Addresses> {
  const found: Partial<Addresses> = {};
  if (flight) found.flight = flight;
  if (catalog) found.catalog = catalog.replace(/^https?:\/\//, '');
  return found;
}

export function useAddresses() {
  const about = useQuery(aboutQuery);
  const [changed, setChanged] = useState<Partial<Addresses>>({});
  const addresses: Addresses = { ...defaults(), ...about.data, ...changed };
  const change = (part: Partial<Addresses>) => setChanged((before) => ({ ...before, ...part }));
  return { addresses, change, isKnown: !about.isPending };
}

/** The page's own host with the default ports. */
function defaults(): Addresses {
  const { hostname, origin } = window.location;
  return { gateway: origin, flight: `grpc://${hostname}:8815`, catalog: `${hostname}:50051` };
}
