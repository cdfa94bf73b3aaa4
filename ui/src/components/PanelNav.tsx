/** The panels of a page, each with its own address. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import classes from './PanelNav.module.css';

export interface Panel {
  to: string;
  name: ReactNode;
  count?: number;
}

export function PanelNav({ label, panels }: { label: string; panels: readonly Panel[] }) {
  return (
    <nav className={classes.tabs} aria-label={label}>
      {panels.map(({ to, name, count }) => (
        <Link key={to} to={to} className={classes.tab} activeProps={{ 'data-active': true }}>
          {name}
          {count ? <span className={classes.count}>{count}</span> : null}
        </Link>
      ))}
    </nav>
  );
}
