import type { Project } from '@/api/types';
import { Ago } from '@/components/Ago';
import { Card } from '@/components/Card';
import classes from './ProjectPage.module.css';

const TONES: Record<string, string> = { approved: 'good', imaging_ready: 'good', declined: 'bad', withdrawn: 'bad' };
const SHOWN = 12;

export function Timeline({ project }: { project: Project }) {
  const moments = [...project.timeline].reverse();
  return (
    <Card title="History">
      <ol className={classes.moments}>
        {moments.slice(0, SHOWN).map((moment) => (
          <li key={moment.at + moment.kind + moment.trust + moment.model} data-tone={TONES[moment.kind]}>
            {moment.trust && <b>{moment.trust}: </b>}
            {moment.model && <b>{moment.model}: </b>}
            {moment.text}
            <div className={classes.muted}>
              <Ago at={moment.at} />
            </div>
          </li>
        ))}
      </ol>
      {moments.length > SHOWN && <div className={classes.muted}>and {moments.length - SHOWN} earlier moments</div>}
    </Card>
  );
}
