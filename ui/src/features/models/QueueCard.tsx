/** Who is at work and who is next. Runs of projects that one may not see have a place and no name. */
import { Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { queueQuery } from '@/api/queries';
import type { QueueEntry } from '@/api/types';
import { momentOf } from '@/app/time';
import { Ago } from '@/components/Ago';
import { Card } from '@/components/Card';
import { ErrorNote } from '@/components/ErrorNote';
import { Status } from '@/components/Status';
import classes from './ModelsPage.module.css';

export function QueueCard() {
  const { data: queue, error, refetch } = useQuery(queueQuery());
  const free = queue ? Math.max(0, queue.slots - queue.active.length) : 0;
  return (
    <Card
      title="Queue"
      note={
        queue &&
        (queue.deployment_mode
          ? 'The hub is being prepared for a change: running training goes on, and nothing new starts.'
          : `${queue.active.length} of ${queue.slots} places taken; ${free} free.`)
      }
    >
      {error && !queue && <ErrorNote error={error} retry={refetch} />}
      {!queue && !error && <Skeleton height={46} />}
      {queue && queue.active.length + queue.waiting.length === 0 && (
        <Text size="sm" c="dimmed">
          Nothing runs and nothing waits.
        </Text>
      )}
      <ol className={classes.queue}>
        {[...(queue?.active ?? []), ...(queue?.waiting ?? [])].map((entry) => (
          <Entry key={entry.run_id ?? entry.queued_at} entry={entry} />
        ))}
      </ol>
    </Card>
  );
}

function Entry({ entry }: { entry: QueueEntry }) {
  return (
    <li className={classes.entry}>
      <span className={`${classes.place} num`}>{entry.position ?? '▸'}</span>
      <span className={classes.what}>
        {entry.model_id ? (
          <>
            <Link to="/models/$modelId" params={{ modelId: entry.model_id }} className={classes.link}>
              {entry.model_name}
            </Link>
            <span className={classes.muted}>{entry.project_name}</span>
          </>
        ) : (
          <span className={classes.muted}>A run of another project</span>
        )}
      </span>
      <Status state={entry.state} pulse={entry.state !== 'queued'} />
      <span className={classes.muted}>
        {entry.started_at ? (
          <>
            since <Ago at={entry.started_at} />
          </>
        ) : entry.expected_start ? (
          <span className="num">starts at about {momentOf(entry.expected_start)}</span>
        ) : (
          <>
            waits since <Ago at={entry.queued_at} />
          </>
        )}
      </span>
    </li>
  );
}
