/** Lists that the hub gives in pages: the rows so far, and what asks for more. */
import { useInfiniteQuery } from '@tanstack/react-query';

interface Page {
  items: unknown[];
  next_cursor: string | null;
}

export function usePages<P extends Page>(key: readonly unknown[], read: (cursor: string) => Promise<P>) {
  const list = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => read(pageParam),
    initialPageParam: '',
    getNextPageParam: (page: P) => page.next_cursor ?? undefined,
  });
  return { ...list, items: list.data?.pages.flatMap((page) => page.items) as P['items'] | undefined };
}
