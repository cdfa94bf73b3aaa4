/** What may still be asked of a trust: questions until its day ends, and the differential privacy that never comes back. */

import type { CohortResult } from '@/api/types';
import { momentOf } from '@/app/time';
import { Term } from '@/components/Term';
import classes from './Budget.module.css';

type Held = NonNullable<CohortResult['budget']>;

export function Budget({ budget, trust }: { budget: Held; trust: string }) {
  const { project_left, project_limit, user_left, user_limit, epsilon_left, epsilon_limit } = budget;
  return (
    <div className={classes.budget}>
      <Meter
        name={<Term word="budget">questions</Term>}
        said={`Questions left of the project at ${trust}`}
        left={project_left}
        limit={project_limit}
      />
      {user_left != null && user_limit != null && (
        <Meter name="of yours" said={`Questions left of yours at ${trust}`} left={user_left} limit={user_limit} />
      )}
      {epsilon_left != null && epsilon_limit != null && (
        <Meter
          name={<Term word="epsilon">ε</Term>}
          said={`Privacy budget (epsilon) left of the project at ${trust}`}
          left={epsilon_left}
          limit={epsilon_limit}
        />
      )}
      <div className={classes.until}>new questions {momentOf(budget.resets_at)}</div>
    </div>
  );
}

interface MeterProps {
  name: React.ReactNode;
  said: string;
  left: number;
  limit: number;
}

/** A tenth left is a warning: what is gone shows in what can be asked at all. */
function Meter({ name, said, left, limit }: MeterProps) {
  return (
    <div className={classes.row}>
      <span>{name}</span>
      <meter className={classes.track} aria-label={said} value={left} min={0} max={limit} low={limit / 10} />
      <span className="num">
        {shown(left)} of {shown(limit)} left
      </span>
    </div>
  );
}

const shown = (value: number) => String(Number(value.toPrecision(3)));
