import { QueryClient } from '@tanstack/react-query';
import { HubAway } from '@/api/errors';

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // A refusal is final; an absent hub is knocked at by `startKnocking`, which reads everything again.
      retry: (count, error) => error instanceof HubAway && count < 2,
      retryDelay: 1000,
      staleTime: 1000,
      refetchOnWindowFocus: true,
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
});
