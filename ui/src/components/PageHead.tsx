/** Where you are, the page's one h1, and what can be done here. */
import { Group, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { useEffect } from 'react';
import classes from './PageHead.module.css';

interface Props {
  title: string;
  crumbs?: ReactNode;
  badge?: ReactNode;
  note?: ReactNode;
  actions?: ReactNode;
}

export function PageHead({ title, crumbs, badge, note, actions }: Props) {
  useEffect(() => {
    document.title = `${title} · FLIP`;
  }, [title]);
  return (
    <div className={classes.head}>
      <div className={classes.words}>
        {crumbs && (
          <nav aria-label="Breadcrumb" className={classes.crumbs}>
            {crumbs}
          </nav>
        )}
        <Group gap="sm" wrap="wrap">
          <Title order={1}>{title}</Title>
          {badge}
        </Group>
        {note && (
          <Text component="div" c="dimmed" size="sm" mt={4} maw={760}>
            {note}
          </Text>
        )}
      </div>
      {actions && <Group gap="xs">{actions}</Group>}
    </div>
  );
}
