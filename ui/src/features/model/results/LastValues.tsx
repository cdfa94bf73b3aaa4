/** The last value of each metric at each trust. */
import { Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { metricsQuery } from '@/api/queries';
import classes from './ResultsPanel.module.css';

export function LastValues({ runId }: { runId: string }) {
  const series = useQuery(metricsQuery(runId)).data?.filter((one) => one.points.length);
  if (!series?.length) return null;
  const labels = [...new Set(series.map((one) => one.label))].sort();
  const trusts = [...new Set(series.map((one) => one.trust))].sort(
    (a, b) => Number(a === null) - Number(b === null) || (a ?? '').localeCompare(b ?? ''),
  );
  const last = (trust: string | null, label: string) =>
    series.find((one) => one.trust === trust && one.label === label)?.points.at(-1)?.[1];
  return (
    <section className={classes.scroll} aria-label="Last values" tabIndex={0}>
      <Table horizontalSpacing={0} verticalSpacing={6} className="num">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Last value</Table.Th>
            {trusts.map((trust) => (
              <Table.Th key={trust}>{trust ?? 'server'}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {labels.map((label) => (
            <Table.Tr key={label}>
              <Table.Td>{label}</Table.Td>
              {trusts.map((trust) => (
                <Table.Td key={trust}>{last(trust, label)?.toPrecision(4) ?? '–'}</Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  );
}
