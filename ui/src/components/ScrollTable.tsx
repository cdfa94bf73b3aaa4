/** A table that scrolls inside itself where the window is narrower; the page never does. */
import { Table } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './ScrollTable.module.css';

interface Props {
  /** What it lists: the name of the region that can be scrolled by keyboard. */
  label: string;
  columns: readonly (string | { name: string; numeric?: boolean; hidden?: boolean })[];
  minWidth?: number;
  children: ReactNode;
}

export function ScrollTable({ label, columns, minWidth = 640, children }: Props) {
  const last = columns.at(-1);
  const acts = typeof last === 'object' && last.hidden;
  return (
    <section className={`${classes.scroll} ${acts ? classes.acts : ''}`} aria-label={`${label}, table`} tabIndex={0}>
      <Table verticalSpacing="sm" horizontalSpacing="lg" style={{ minWidth, '--table-border-color': 'var(--line)' }}>
        <Table.Thead>
          <Table.Tr>
            {columns.map((column) => {
              const { name, numeric, hidden } = typeof column === 'string' ? { name: column } : column;
              return (
                <Table.Th key={name} className={numeric ? classes.numeric : undefined}>
                  {hidden ? <span className="visually-hidden">{name}</span> : name}
                </Table.Th>
              );
            })}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>{children}</Table.Tbody>
      </Table>
    </section>
  );
}
