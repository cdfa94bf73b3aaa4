import { Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { hub } from '@/api/client';
import { queries } from '@/app/queryClient';
import { dayOf } from '@/app/time';
import { Ago } from '@/components/Ago';
import { Card } from '@/components/Card';
import { Confirm } from '@/components/Confirm';
import { ScrollTable } from '@/components/ScrollTable';
import classes from './Admin.module.css';
import { invitationsQuery, roleName } from './queries';

/** Shown only while somebody has one. */
export function InvitationsCard() {
  const open = useQuery(invitationsQuery()).data?.items;
  if (!open?.length) return null;
  const takeBack = async (id: string) => {
    await hub.DELETE('/api/v1/invitations/{invitation_id}', { params: { path: { invitation_id: id } } });
    await queries.invalidateQueries({ queryKey: ['invitations'] });
  };
  return (
    <Card flush title="Invitations" note="Sent and not accepted yet.">
      <ScrollTable
        label="Invitations"
        columns={['Person', 'Role', 'Sent', 'Until', { name: 'Acts', hidden: true }]}
        minWidth={560}
      >
        {open.map((one) => (
          <Table.Tr key={one.id}>
            <Table.Td>
              <b className={classes.strong}>{one.name}</b>
              <div className={classes.muted}>{one.email}</div>
            </Table.Td>
            <Table.Td>{roleName(one.role)}</Table.Td>
            <Table.Td>
              <Ago at={one.created_at} />
            </Table.Td>
            <Table.Td>{dayOf(one.expires_at)}</Table.Td>
            <Table.Td>
              <Confirm
                size="compact-sm"
                act="Take back"
                label={`Take back the invitation of ${one.name}`}
                title="Take the invitation back?"
                what={`The code that ${one.email} has is void at once.`}
                run={() => takeBack(one.id)}
              />
            </Table.Td>
          </Table.Tr>
        ))}
      </ScrollTable>
    </Card>
  );
}
