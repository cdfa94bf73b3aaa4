/** End a run: in order, keeping what it has, or at once. Each says what it costs before it is done. */
import { Button, Group, Modal, Radio, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlayerStop } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { hub } from '@/api/client';
import type { Run } from '@/api/types';
import { queries } from '@/app/queryClient';
import { ErrorNote } from '@/components/ErrorNote';

type How = 'stop' | 'abort';

export function StopButton({ run }: { run: Run }) {
  const stopping = run.stop_requested !== null;
  const [opened, { open, close }] = useDisclosure(false);
  const [chosen, setChosen] = useState<How>('stop');
  const how: How = stopping ? 'abort' : chosen;
  const end = useMutation({
    mutationFn: () => hub.POST(`/api/v1/runs/{run_id}/${how}`, { params: { path: { run_id: run.id } } }),
    onSuccess: async () => {
      close();
      await queries.invalidateQueries({ queryKey: ['model', run.model_id] });
    },
  });
  const word = how === 'abort' ? 'Abort training' : 'Stop training';
  return (
    <>
      {stopping && (
        <Text size="sm" c="dimmed" role="status">
          Stopping …
        </Text>
      )}
      <Button variant="default" leftSection={<IconPlayerStop size={16} />} onClick={open}>
        {stopping ? 'Abort training' : 'Stop training'}
      </Button>
      <Modal opened={opened} onClose={close} title={`${word}?`} closeButtonProps={{ 'aria-label': 'Close' }}>
        <Stack>
          <Text size="sm">
            The apps are ended at every trust within seconds. The run cannot go on later, but the model can be trained
            again.
          </Text>
          {stopping ? (
            <Text size="sm">The stop that is under way waits for what the run has so far; this does not.</Text>
          ) : (
            <Radio.Group aria-label="How" value={chosen} onChange={(value) => setChosen(value as How)}>
              <Stack gap={10}>
                <Radio value="stop" label="Stop" description="Metrics, rounds and what the app has saved are kept." />
                <Radio value="abort" label="Abort" description="At once. Results are not waited for." />
              </Stack>
            </Radio.Group>
          )}
          {end.error && <ErrorNote error={end.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close} data-autofocus>
              Keep training
            </Button>
            <Button color="red.9" loading={end.isPending} onClick={() => end.mutate()}>
              {word}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
