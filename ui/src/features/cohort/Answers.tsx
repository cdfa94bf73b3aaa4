/** What came back so far: totals, a chip per trust, a chart per column. */
import { Tooltip } from '@mantine/core';
import type { CohortAnswer, CohortQuery } from '@/api/types';
import { Card } from '@/components/Card';
import { Status } from '@/components/Status';
import { TrustName } from '@/components/TrustName';
import classes from './Answers.module.css';
import { Budget } from './Budget';
import { ColumnChartCard } from './ColumnChartCard';
import { columnCharts } from './columns';

const WAITING = new Set(['queued', 'running', 'offline']);

export function Answers({ query, imaging }: { query: CohortQuery; imaging: boolean }) {
  const waiting = query.answers.filter((answer) => WAITING.has(answer.state)).length;
  const suppressed = query.answers.filter((answer) => answer.result?.suppressed).length;
  const answered = query.answers.length - waiting;
  const charts = columnCharts(query.answers);
  const rounded = query.answers.find((answer) => answer.result)?.result;
  return (
    <>
      <Card
        title="Answers"
        note={
          rounded &&
          `Counts are rounded to ${rounded.rounded_to}; fewer than ${rounded.threshold} persons are not told.`
        }
        aside={
          <span className={classes.progress} role="status">
            {answered} of {query.answers.length} trusts answered
          </span>
        }
      >
        <div className={classes.totals}>
          <Total label="Persons" value={query.total_persons} suppressed={suppressed} />
          {imaging && <Total label="Studies" value={query.total_accessions} suppressed={suppressed} />}
          <div className={classes.trusts}>
            {query.answers.map((answer) => (
              <TrustAnswer key={answer.trust} answer={answer} imaging={imaging} />
            ))}
          </div>
        </div>
      </Card>
      {charts.length > 0 && (
        <section aria-label="By column" className={classes.charts}>
          {charts.map((chart) => (
            <ColumnChartCard key={chart.name + chart.kind} chart={chart} />
          ))}
        </section>
      )}
    </>
  );
}

function Total({ label, value, suppressed }: { label: string; value: number | null; suppressed: number }) {
  return (
    <div className={classes.total}>
      <div className="eyebrow">{label}</div>
      <div className={`${classes.number} num`}>{value === null ? '–' : value.toLocaleString()}</div>
      {suppressed > 0 && (
        <div className={classes.plus}>
          + {suppressed} trust{suppressed > 1 ? 's' : ''} with too few to tell
        </div>
      )}
    </div>
  );
}

function TrustAnswer({ answer, imaging }: { answer: CohortAnswer; imaging: boolean }) {
  const { result, error, state } = answer;
  return (
    <section
      className={classes.trust}
      data-suppressed={result?.suppressed || undefined}
      aria-label={`Answer of ${answer.trust}`}
    >
      <div className={classes.trustHead}>
        <TrustName name={answer.trust} />
        <Status
          state={state}
          pulse={state === 'queued' || state === 'running'}
          word={state === 'suppressed' ? 'Too few' : undefined}
        />
      </div>
      {result && !result.suppressed && (
        <div className={`${classes.counts} num`}>
          <b>{result.persons?.toLocaleString()}</b> persons
          {imaging && result.accessions != null && (
            <>
              {' · '}
              <b>{result.accessions.toLocaleString()}</b> studies
            </>
          )}
        </div>
      )}
      {result?.suppressed && (
        <Tooltip label="Fewer persons than this trust tells, or none. This is not zero; it is unknown.">
          <div className={`${classes.hatch} hatched`} tabIndex={0} role="note">
            &lt; {result.threshold} persons
          </div>
        </Tooltip>
      )}
      {error && (
        <div className={classes.error}>
          {error.message} <code>{error.code}</code>
        </div>
      )}
      {state === 'offline' && <div className={classes.counts}>Offline; it answers when it is back.</div>}
      {result?.budget && <Budget budget={result.budget} trust={answer.trust} />}
    </section>
  );
}
