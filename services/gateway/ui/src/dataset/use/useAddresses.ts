// Where readers reach the services: as the gateway says, until someone says otherwise.
import { queryOptions, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, body } from '../../api/client';
import type { Addresses } from './snippets';

const aboutQuery = queryOptions({
  queryKey: ['about'],
  queryFn: ({ signal }) => body(api.GET('/api/v1/about', { signal })),
  // gRPC clients take the catalog's address without its scheme.
  select: ({ flight, catalog }): Partial<Addresses> => ({
    flight,
    catalog: catalog.replace(/^https?:\/\//, ''),
  }),
  staleTime: Infinity,
  retry: false,
});

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
