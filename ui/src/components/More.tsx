/** The end of a list that comes in pages. */
import { Button, Group } from '@mantine/core';

interface Paged {
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  fetchNextPage: () => unknown;
}

export function More({ list }: { list: Paged }) {
  if (!list.hasNextPage) return null;
  return (
    <Group justify="center" p="md">
      <Button variant="default" size="xs" loading={list.isFetchingNextPage} onClick={() => list.fetchNextPage()}>
        Show more
      </Button>
    </Group>
  );
}
