/** Nothing here yet, and what makes something appear. */
import { Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './EmptyNote.module.css';

export function EmptyNote({
  icon,
  title,
  children,
  action,
}: {
  icon: ReactNode;
  title: string;
  children: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className={classes.note}>
      <div className={classes.icon} aria-hidden>
        {icon}
      </div>
      <Title order={2} size="h3">
        {title}
      </Title>
      <Text size="sm" c="dimmed" maw={460} component="div">
        {children}
      </Text>
      {action && <div className={classes.action}>{action}</div>}
    </div>
  );
}
