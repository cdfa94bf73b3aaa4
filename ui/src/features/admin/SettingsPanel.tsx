import { Skeleton, Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Card } from '@/components/Card';
import { ErrorNote } from '@/components/ErrorNote';
import { ScrollTable } from '@/components/ScrollTable';
import classes from './Admin.module.css';
import { settingsQuery } from './queries';

export function SettingsPanel() {
  const { data: settings, error, refetch } = useQuery(settingsQuery());
  return (
    <Card
      flush
      title="Settings"
      note="Of this hub process, from its environment. They change where the hub is run, not here; of a secret is told only whether it is set."
    >
      {error && !settings && <ErrorNote error={error} retry={refetch} />}
      {!settings && !error && <Skeleton height={300} m="md" />}
      {settings && (
        <ScrollTable label="Settings" columns={['Setting', 'Value', 'Meaning']} minWidth={720}>
          {settings.map((setting) => (
            <Table.Tr key={setting.name}>
              <Table.Td>
                <code className={classes.code}>{setting.name}</code>
              </Table.Td>
              <Table.Td className={classes.details}>
                {setting.value ?? <span className={classes.muted}>{setting.is_set ? 'set' : 'not set'}</span>}
              </Table.Td>
              <Table.Td className={classes.muted}>{setting.description}</Table.Td>
            </Table.Tr>
          ))}
        </ScrollTable>
      )}
    </Card>
  );
}
