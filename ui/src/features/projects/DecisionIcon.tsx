import { IconCircleCheckFilled, IconCircleXFilled, IconClockHour4 } from '@tabler/icons-react';

/** A trust's decision as a sign with a name. */
export function DecisionIcon({ decision }: { decision: string }) {
  if (decision === 'APPROVED')
    return <IconCircleCheckFilled size={14} color="var(--good)" aria-label="Approved:" role="img" />;
  if (decision === 'PENDING') return <IconClockHour4 size={14} color="var(--warn)" aria-label="Pending:" role="img" />;
  return (
    <IconCircleXFilled
      size={14}
      color="var(--bad)"
      aria-label={decision === 'DECLINED' ? 'Declined:' : 'Withdrawn:'}
      role="img"
    />
  );
}
