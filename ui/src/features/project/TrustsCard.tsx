import { Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { trustsQuery } from '@/api/queries';
import type { Project } from '@/api/types';
import { dayOf } from '@/app/time';
import { Ago } from '@/components/Ago';
import { Card } from '@/components/Card';
import { Status } from '@/components/Status';
import { TrustName } from '@/components/TrustName';
import classes from './ProjectPage.module.css';

export function TrustsCard({ project }: { project: Project }) {
  const online = new Map(useQuery(trustsQuery()).data?.map((trust) => [trust.name, trust.online]));
  return (
    <Card title="Trusts" note="Each decides for itself, at its own site. A yes can expire or be withdrawn.">
      <div className={classes.scroll}>
        <Table horizontalSpacing={0} verticalSpacing="sm" style={{ minWidth: 520 }}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Trust</Table.Th>
              <Table.Th>Decision</Table.Th>
              <Table.Th>When, who</Table.Th>
              <Table.Th>Conditions</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {project.trusts.map((one) => (
              <Table.Tr key={one.trust}>
                <Table.Td>
                  <TrustName name={one.trust} />
                  <div className={classes.muted}>{online.get(one.trust) ? 'online' : 'offline'}</div>
                </Table.Td>
                <Table.Td>
                  {one.decision === 'APPROVED' && !one.valid ? (
                    <Status state="WITHDRAWN" word="Expired" />
                  ) : (
                    <Status state={one.decision} />
                  )}
                </Table.Td>
                <Table.Td>
                  {one.decided_at ? (
                    <Ago at={one.decided_at} />
                  ) : (
                    <span className={classes.muted}>its staff have the request</span>
                  )}
                  {one.decided_by && <div className={classes.muted}>{one.decided_by}</div>}
                </Table.Td>
                <Table.Td>
                  {one.conditions || <span className={classes.muted}>none</span>}
                  {one.expires_at && <div className={classes.muted}>until {dayOf(one.expires_at)}</div>}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </div>
    </Card>
  );
}
