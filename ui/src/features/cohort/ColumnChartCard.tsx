/** One column of the cohort: bars for categories, upright bars for numbers and dates. Suppressed cells are hatched. */
import { Tooltip } from '@mantine/core';
import { Term } from '@/components/Term';
import { useTrustLook } from '@/components/trusts';
import classes from './ColumnChartCard.module.css';
import type { ChartCell, ColumnChart } from './columns';

const SHOWN = 12;

export function ColumnChartCard({ chart }: { chart: ColumnChart }) {
  const missing = chart.missing.map((part) => `${part.trust}: ${part.count ?? `< ${chart.threshold}`}`).join(', ');
  return (
    <figure className={classes.card}>
      <figcaption className={classes.caption}>
        <code>{chart.name}</code>
        <span>
          {chart.kind === 'category'
            ? 'persons by value'
            : chart.kind === 'date'
              ? 'persons over time'
              : 'persons by range'}
        </span>
      </figcaption>
      {chart.cells.length === 0 && (
        <p className={classes.none}>No value here has at least {chart.threshold} persons.</p>
      )}
      {chart.kind === 'category' ? <Rows chart={chart} /> : <Columns chart={chart} />}
      <p className={classes.foot}>
        {missing && <>No value: {missing}. </>}
        {chart.margin !== null && (
          <>
            With noise
            {chart.epsilon !== null && (
              <>
                {' '}
                (<Term word="epsilon">ε</Term> = {chart.epsilon})
              </>
            )}
            : ±{chart.margin} in 95 % of cases.
          </>
        )}
      </p>
      <DataTable chart={chart} />
    </figure>
  );
}

/** Width of a suppressed part in persons: half of what the trust would tell at least. */
const hatch = (chart: ColumnChart) => chart.threshold / 2;
const sizeOf = (cell: ChartCell, chart: ColumnChart) => cell.known + cell.suppressed * hatch(chart);

function words(cell: ChartCell, chart: ColumnChart) {
  return cell.parts.map((part) => `${part.trust}: ${part.count ?? `< ${chart.threshold} (suppressed)`}`);
}

const shownCount = (cell: ChartCell, chart: ColumnChart) =>
  cell.suppressed === 0
    ? String(cell.known)
    : cell.known === 0
      ? `< ${chart.threshold * cell.suppressed}`
      : `${cell.known} + < ${chart.threshold * cell.suppressed}`;

function Rows({ chart }: { chart: ColumnChart }) {
  const look = useTrustLook();
  const cells = chart.cells.slice(0, SHOWN);
  const most = Math.max(...cells.map((cell) => sizeOf(cell, chart)), 1);
  return (
    <div className={classes.rows} aria-hidden>
      {cells.map((cell) => (
        <Tooltip key={cell.key} label={<Lines lines={words(cell, chart)} />}>
          <div className={classes.row}>
            <span className={classes.label}>{cell.label}</span>
            <span className={classes.track}>
              {cell.parts.map((part) => (
                <span
                  key={part.trust}
                  className={part.count === null ? 'hatched' : undefined}
                  style={{
                    width: `${(100 * (part.count ?? hatch(chart))) / most}%`,
                    background: part.count === null ? undefined : look(part.trust).colour,
                  }}
                />
              ))}
            </span>
            <span className={`${classes.count} num`}>{shownCount(cell, chart)}</span>
          </div>
        </Tooltip>
      ))}
      {chart.cells.length > SHOWN && (
        <div className={classes.more}>and {chart.cells.length - SHOWN} more values in the table</div>
      )}
    </div>
  );
}

function Columns({ chart }: { chart: ColumnChart }) {
  const look = useTrustLook();
  const most = Math.max(...chart.cells.map((cell) => sizeOf(cell, chart)), 1);
  const first = chart.cells[0]?.label;
  const last = chart.cells.at(-1)?.label;
  return (
    <div aria-hidden>
      <div className={classes.columns}>
        {chart.cells.map((cell) => (
          <Tooltip key={cell.key} label={<Lines lines={[cell.label, ...words(cell, chart)]} />}>
            <div className={classes.column}>
              {cell.parts.map((part) => (
                <span
                  key={part.trust}
                  className={part.count === null ? 'hatched' : undefined}
                  style={{
                    height: `${(100 * (part.count ?? hatch(chart))) / most}%`,
                    background: part.count === null ? undefined : look(part.trust).colour,
                  }}
                />
              ))}
            </div>
          </Tooltip>
        ))}
      </div>
      <div className={`${classes.axis} num`}>
        <span>{first}</span>
        <span>{last}</span>
      </div>
    </div>
  );
}

/** The same numbers for a screen reader, and for those who prefer a table. */
function DataTable({ chart }: { chart: ColumnChart }) {
  return (
    <details className={classes.details}>
      <summary>Table</summary>
      <div className={classes.scroll}>
        <table>
          <thead>
            <tr>
              <th scope="col">{chart.name}</th>
              <th scope="col">Trust</th>
              <th scope="col">Persons</th>
            </tr>
          </thead>
          <tbody>
            {chart.cells.flatMap((cell) =>
              cell.parts.map((part) => (
                <tr key={cell.key + part.trust}>
                  <td>{cell.label}</td>
                  <td>{part.trust}</td>
                  <td className="num">{part.count ?? `< ${chart.threshold}`}</td>
                </tr>
              )),
            )}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function Lines({ lines }: { lines: string[] }) {
  return (
    <>
      {lines.map((line) => (
        <div key={line}>{line}</div>
      ))}
    </>
  );
}
