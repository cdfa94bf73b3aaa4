import { Button, Group, Select, SimpleGrid, Skeleton, Stack, Switch, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { data, hub } from '@/api/client';
import { fieldErrors } from '@/api/errors';
import { queueQuery, siteQuery } from '@/api/queries';
import type { Site } from '@/api/types';
import { queries } from '@/app/queryClient';
import { Card } from '@/components/Card';
import { ErrorNote } from '@/components/ErrorNote';
import { Status } from '@/components/Status';

type Level = NonNullable<Site['banner']>['level'];

export function SitePanel() {
  const { data: site, error, refetch } = useQuery(siteQuery());
  if (error && !site) return <ErrorNote error={error} retry={refetch} />;
  if (!site) return <Skeleton height={240} radius="lg" />;
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
      <ModeCard site={site} />
      <BannerCard site={site} />
    </SimpleGrid>
  );
}

const keep = (site: Site) => queries.setQueryData(siteQuery().queryKey, site);

function ModeCard({ site }: { site: Site }) {
  const queue = useQuery(queueQuery()).data;
  const [reason, setReason] = useState(site.deployment_reason);
  const set = useMutation({
    mutationFn: (on: boolean) =>
      data(hub.PUT('/api/v1/site/deployment-mode', { body: { on, reason: on ? reason : '' } })),
    onSuccess: keep,
  });
  const running = queue?.active.length ?? 0;
  return (
    <Card
      title="Deployment mode"
      note="Lets running training end and starts nothing new, so that the hub can be changed."
      aside={
        site.deployment_mode ? (
          <Status
            state="offline"
            word={running ? `Draining, ${running} left` : 'Drained'}
            tone={running ? 'warn' : 'good'}
          />
        ) : (
          <Status state="online" word="Off" tone="idle" />
        )
      }
    >
      <Stack>
        {set.error && <ErrorNote error={set.error} />}
        <TextInput
          label="Reason"
          description="Shown to everyone while it is on"
          maxLength={500}
          value={reason}
          disabled={site.deployment_mode}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        <Switch
          label="Start nothing new"
          checked={site.deployment_mode}
          disabled={set.isPending}
          onChange={(event) => set.mutate(event.currentTarget.checked)}
        />
        {site.deployment_mode && queue && (
          <Text size="sm" c="dimmed" role="status" className="num">
            {running
              ? `${running} running; the hub can be changed when they have ended.`
              : 'Nothing runs: the hub can be changed now.'}{' '}
            {queue.waiting.length > 0 && `${queue.waiting.length} waiting.`}
          </Text>
        )}
      </Stack>
    </Card>
  );
}

function BannerCard({ site }: { site: Site }) {
  const [values, setValues] = useState({
    message: site.banner?.message ?? '',
    link: site.banner?.link ?? '',
    level: site.banner?.level ?? ('info' as Level),
  });
  const set = (part: Partial<typeof values>) => setValues((before) => ({ ...before, ...part }));
  const save = useMutation({
    mutationFn: (body: typeof values) => data(hub.PUT('/api/v1/site/banner', { body })),
    onSuccess: keep,
  });
  const wrong = fieldErrors(save.error);
  return (
    <Card title="Banner" note="On every page, for everyone, before login too.">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate(values);
        }}
      >
        <Stack>
          {save.error && <ErrorNote error={save.error} />}
          <TextInput
            label="Message"
            maxLength={500}
            value={values.message}
            error={wrong.message}
            onChange={(event) => set({ message: event.currentTarget.value })}
          />
          <Group grow align="start">
            <TextInput
              label="Link"
              description="Optional: https://… or /…"
              maxLength={500}
              value={values.link}
              error={wrong.link}
              onChange={(event) => set({ link: event.currentTarget.value })}
            />
            <Select
              label="Kind"
              description="Colour and sign"
              allowDeselect={false}
              data={[
                { value: 'info', label: 'News' },
                { value: 'warning', label: 'Warning' },
                { value: 'danger', label: 'Danger' },
              ]}
              value={values.level}
              onChange={(level) => level && set({ level: level as Level })}
            />
          </Group>
          <Group justify="flex-end">
            {site.banner && (
              <Button
                variant="default"
                onClick={() => {
                  set({ message: '', link: '' });
                  save.mutate({ message: '', link: '', level: 'info' });
                }}
              >
                Take it away
              </Button>
            )}
            <Button type="submit" loading={save.isPending} disabled={!values.message.trim()}>
              Show the banner
            </Button>
          </Group>
        </Stack>
      </form>
    </Card>
  );
}
