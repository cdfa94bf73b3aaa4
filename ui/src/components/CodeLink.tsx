/** A stable code, leading to what the docs say of it. */
import { Link } from '@tanstack/react-router';
import classes from './CodeLink.module.css';

export function CodeLink({ code, topic = 'errors' }: { code: string; topic?: 'errors' | 'findings' }) {
  return (
    <Link
      to="/help/$topic"
      params={{ topic }}
      hash={code}
      className={classes.code}
      aria-label={`${code}: what it means`}
      preload={false}
    >
      {code}
    </Link>
  );
}
