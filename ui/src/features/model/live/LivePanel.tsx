import { Button, Skeleton } from '@mantine/core';
import { IconActivity } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { eventsQuery, filesQuery, timelineQuery } from '@/api/queries';
import { clockTime, duration } from '@/app/time';
import { useNow } from '@/app/useNow';
import { Card } from '@/components/Card';
import { EmptyNote } from '@/components/EmptyNote';
import { ErrorNote } from '@/components/ErrorNote';
import { Status } from '@/components/Status';
import { TrustName } from '@/components/TrustName';
import { fileText } from '../files/fileText';
import { RunPicker } from '../RunPicker';
import { fieldsOf } from '../training/config';
import { isActive, useModel } from '../useModel';
import classes from './LivePanel.module.css';
import { Log } from './Log';
import { lanes, secondsLeft } from './story';
import { Waterfall } from './Waterfall';

export function LivePanel() {
  const { modelId, runs, newest } = useModel();
  const { run: asked } = useSearch({ from: '/inside/models/$modelId/live' });
  const navigate = useNavigate();
  const run = runs?.find((one) => one.id === asked) ?? newest;
  const { data: events, error } = useQuery({ ...eventsQuery(run?.id ?? ''), enabled: run !== undefined });
  const timeline = useQuery({ ...timelineQuery(run?.id ?? ''), enabled: run !== undefined }).data;
  const hasProject = useQuery(filesQuery(modelId)).data?.some((file) => file.path === 'pyproject.toml') ?? false;
  const pyproject = useQuery({ ...fileText(modelId, 'pyproject.toml'), enabled: hasProject }).data;
  const active = isActive(run);
  const now = useNow(active ? 500 : 60_000);
  if (!runs) return <Skeleton height={300} radius="lg" />;
  if (!run) {
    return (
      <Card>
        <EmptyNote
          icon={<IconActivity size={24} />}
          title="No run yet"
          action={
            <Button component={Link} to={`/models/${modelId}/training`}>
              To Training
            </Button>
          }
        >
          Here you will see each round at each trust as it happens, with the ServerApp’s log.
        </EmptyNote>
      </Card>
    );
  }
  const rounds = run.options.rounds ?? roundsOf(run.run_config, pyproject);
  const done = Math.max(0, ...run.rounds.map((round) => round.round));
  const left = timeline ? secondsLeft(timeline, rounds, now) : null;
  const end = run.finished_at ? Date.parse(run.finished_at) : now;
  const failures = run.rounds.reduce((sum, round) => sum + round.failures, 0);
  return (
    <div className={classes.panel}>
      <div className={classes.facts}>
        <Fact name="State">
          <Status state={run.state} pulse={active} />
        </Fact>
        <Fact name="Rounds">
          <span className="num">
            {done}
            {rounds ? ` of ${rounds}` : ''}
          </span>
        </Fact>
        <Fact name={run.finished_at ? 'Took' : 'Running for'}>
          <span className="num">{duration(Math.max(0, end - Date.parse(run.created_at)) / 1000)}</span>
        </Fact>
        <Fact name="Time left">
          <span className="num">{left === null ? '–' : `about ${duration(Math.round(left))}`}</span>
        </Fact>
        <Fact name="Failures">
          <span className="num">{failures}</span>
        </Fact>
        <div className={classes.pick}>
          <RunPicker
            label="Run"
            runs={runs}
            value={run.id}
            onChange={(id) =>
              void navigate({ to: '/models/$modelId/live', params: { modelId }, search: { run: id ?? undefined } })
            }
          />
        </div>
      </div>
      <Card
        title="Rounds"
        note="From the round’s message to each trust’s answer, fetch and upload included; then the hub adds them up."
      >
        {error && !events && <ErrorNote error={error} />}
        {timeline ? <Waterfall lanes={lanes(timeline, run, now)} /> : <Skeleton height={110} />}
        <div className={classes.parts}>
          {run.trusts.map((part) => (
            <div key={part.trust} className={classes.part}>
              <TrustName name={part.trust} />
              <Status state={part.state} />
              {part.reason && <span className={classes.reason}>{part.reason}</span>}
            </div>
          ))}
        </div>
      </Card>
      <div className={classes.columns}>
        <Card title="Activity">
          <ol className={classes.feed} tabIndex={0} aria-label="Activity, newest first">
            {[...(events ?? [])].reverse().map((event) => (
              <li key={event.id}>
                <time dateTime={event.at} className="num">
                  {clockTime(event.at)}
                </time>
                <span>{event.text}</span>
              </li>
            ))}
          </ol>
        </Card>
        <Log runId={run.id} live={active} />
      </div>
    </div>
  );
}

function roundsOf(config: Record<string, unknown>, pyproject: string | undefined): number | undefined {
  const override = config['num-server-rounds'];
  if (typeof override === 'number') return override;
  try {
    const declared = pyproject && fieldsOf(pyproject).find((field) => field.key === 'num-server-rounds')?.value;
    return typeof declared === 'number' ? declared : undefined;
  } catch {
    return undefined;
  }
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <div className="eyebrow">{name}</div>
      <div className={classes.value}>{children}</div>
    </div>
  );
}
