/** The pages before login: what FLIP is on one side, the form on the other. */
import type { ReactNode } from 'react';
import { SchemeSwitch } from '@/app/Shell';
import { Mark } from '@/components/Mark';
import { SiteNotice } from '@/components/SiteNotice';
import { FederationDrawing } from './FederationDrawing';
import classes from './LoginFrame.module.css';

export function LoginFrame({ children }: { children: ReactNode }) {
  return (
    <>
      <SiteNotice />
      <div className={classes.frame}>
        <aside className={classes.side} aria-label="About FLIP">
          <div className={classes.brand}>
            <Mark size={34} />
            <span>FLIP</span>
          </div>
          <FederationDrawing />
          <p className={classes.claim}>
            Train medical-imaging models across hospitals. The patients' data stay where they are.
          </p>
        </aside>
        <main className={classes.main} id="content">
          <div className={classes.scheme}>
            <SchemeSwitch />
          </div>
          <div className={classes.form}>{children}</div>
        </main>
      </div>
    </>
  );
}
