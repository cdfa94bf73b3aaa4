import classes from './TrustName.module.css';
import { useTrustLook } from './trusts';

export function TrustName({ name }: { name: string }) {
  const look = useTrustLook();
  return (
    <span className={classes.name}>
      <span className={classes.dot} style={{ background: look(name).colour }} aria-hidden />
      {name}
    </span>
  );
}
