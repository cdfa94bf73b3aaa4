import { Tooltip } from '@mantine/core';
import { ago, fullTime } from '@/app/time';
import { useNow } from '@/app/useNow';

/** "5 minutes ago", with the exact moment in the reader's zone on hover and focus. */
export function Ago({ at }: { at: string }) {
  const now = useNow(15_000);
  return (
    <Tooltip label={fullTime(at)}>
      <time dateTime={at}>{ago(at, Math.max(now, Date.parse(at)))}</time>
    </Tooltip>
  );
}
