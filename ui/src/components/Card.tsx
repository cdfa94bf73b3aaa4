/** A titled surface. */
import { Group, Title } from '@mantine/core';
import { type ReactNode, useId } from 'react';
import classes from './Card.module.css';

interface Props {
  title?: ReactNode;
  note?: ReactNode;
  aside?: ReactNode;
  children: ReactNode;
  flush?: boolean;
  className?: string;
}

export function Card({ title, note, aside, children, flush, className }: Props) {
  const id = useId();
  return (
    <section className={`${classes.card} ${className ?? ''}`} aria-labelledby={title ? id : undefined}>
      {title && (
        <div className={classes.head}>
          <div className={classes.words}>
            <Title order={2} id={id}>
              {title}
            </Title>
            {note && <div className={classes.note}>{note}</div>}
          </div>
          {aside && (
            <Group gap="xs" wrap="wrap" justify="flex-end">
              {aside}
            </Group>
          )}
        </div>
      )}
      <div className={flush ? undefined : classes.body}>{children}</div>
    </section>
  );
}
