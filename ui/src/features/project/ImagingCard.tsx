/** The ledger of each trust: how far every study came, and why one is left out. */
import { Table, Tooltip } from '@mantine/core';
import type { Imaging, Project } from '@/api/types';
import { Card } from '@/components/Card';
import { Status } from '@/components/Status';
import { TrustName } from '@/components/TrustName';
import { reached } from './ledger';
import classes from './ProjectPage.module.css';

const STAGES = [
  { stage: 'READY', name: 'ready', colour: 'var(--t0)' },
  { stage: 'CHECKED', name: 'checked', colour: 'color-mix(in srgb, var(--t0) 78%, var(--surface))' },
  { stage: 'CONVERTED', name: 'converted', colour: 'color-mix(in srgb, var(--t0) 60%, var(--surface))' },
  { stage: 'DEIDENTIFIED', name: 'de-identified', colour: 'color-mix(in srgb, var(--t0) 46%, var(--surface))' },
  { stage: 'PULLED', name: 'pulled', colour: 'color-mix(in srgb, var(--t0) 34%, var(--surface))' },
  { stage: 'FOUND', name: 'found', colour: 'color-mix(in srgb, var(--t0) 24%, var(--surface))' },
  { stage: 'REQUESTED', name: 'requested', colour: 'var(--line-strong)' },
  { stage: 'EXCLUDED', name: 'excluded', colour: 'var(--t1)' },
];

export function ImagingCard({ project }: { project: Project }) {
  const ledgers = project.trusts.flatMap((trust) =>
    trust.imaging ? [{ trust: trust.trust, imaging: trust.imaging }] : [],
  );
  return (
    <Card title="Images" note="Every study of the cohort, at its trust. Only these counts leave it.">
      <div className={classes.legend} aria-hidden>
        {STAGES.filter(({ stage }) => ledgers.some(({ imaging }) => imaging.stages[stage])).map(
          ({ stage, name, colour }) => (
            <span key={stage}>
              <i style={{ background: colour }} />
              {name}
            </span>
          ),
        )}
      </div>
      {ledgers.map(({ trust, imaging }) => (
        <Bar key={trust} trust={trust} imaging={imaging} />
      ))}
      <div className={classes.scroll}>
        <Table horizontalSpacing={0} verticalSpacing={7} style={{ minWidth: 560 }}>
          <Table.Thead>
            <Table.Tr>
              {['Trust', 'Requested', 'Found', 'Converted', 'Checked', 'Ready', 'Excluded'].map((name) => (
                <Table.Th key={name} className={name === 'Trust' ? undefined : 'right'}>
                  {name}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody className="num">
            {ledgers.map(({ trust, imaging }) => (
              <Table.Tr key={trust}>
                <Table.Td>{trust}</Table.Td>
                {['REQUESTED', 'FOUND', 'CONVERTED', 'CHECKED', 'READY'].map((stage) => (
                  <Table.Td key={stage} className="right">
                    {reached(imaging, stage)}
                  </Table.Td>
                ))}
                <Table.Td className="right">
                  {imaging.stages.EXCLUDED ?? 0}
                  {Object.entries(imaging.excluded).map(([reason, count]) => (
                    <div key={reason} className={classes.muted}>
                      {count} {reason.toLowerCase().replaceAll('_', ' ')}
                    </div>
                  ))}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </div>
    </Card>
  );
}

function Bar({ trust, imaging }: { trust: string; imaging: Imaging }) {
  const total = reached(imaging, 'REQUESTED');
  const ready = imaging.stages.READY ?? 0;
  return (
    <div className={classes.ledger}>
      <div className={classes.ledgerHead}>
        <TrustName name={trust} />
        <span className="num">
          {ready} of {total} ready{' '}
          {imaging.final ? <Status state="answered" word="done" /> : <Status state="running" pulse word="working" />}
        </span>
      </div>
      <div
        className={classes.bar}
        role="img"
        aria-label={`${trust}: ${ready} of ${total} studies ready, ${imaging.stages.EXCLUDED ?? 0} excluded`}
      >
        {STAGES.map(({ stage, name, colour }) => {
          const count = imaging.stages[stage] ?? 0;
          return count ? (
            <Tooltip key={stage} label={`${count} ${name}`}>
              <span style={{ width: `${(100 * count) / total}%`, background: colour }} />
            </Tooltip>
          ) : null;
        })}
      </div>
    </div>
  );
}
