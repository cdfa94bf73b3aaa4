import { Button, Group, Modal, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlayerStop } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { hub } from '@/api/client';
import type { Run } from '@/api/types';
import { queries } from '@/app/queryClient';
import { ErrorNote } from '@/components/ErrorNote';

export function StopButton({ run }: { run: Run }) {
  const [opened, { open, close }] = useDisclosure(false);
  const stop = useMutation({
    mutationFn: () => hub.POST('/api/v1/runs/{run_id}/stop', { params: { path: { run_id: run.id } } }),
    onSuccess: async () => {
      close();
      await queries.invalidateQueries({ queryKey: ['model', run.model_id] });
    },
  });
  return (
    <>
      <Button variant="default" leftSection={<IconPlayerStop size={16} />} onClick={open}>
        Stop training
      </Button>
      <Modal opened={opened} onClose={close} title="Stop training?" closeButtonProps={{ 'aria-label': 'Close' }}>
        <Text size="sm">
          ServerApp and ClientApps are ended at every trust within seconds. Metrics and rounds so far are kept; the run
          cannot go on later, but the model can be trained again.
        </Text>
        {stop.error && <ErrorNote error={stop.error} />}
        <Group justify="flex-end" mt="lg">
          <Button variant="default" onClick={close} data-autofocus>
            Keep training
          </Button>
          <Button color="red" loading={stop.isPending} onClick={() => stop.mutate()}>
            Stop training
          </Button>
        </Group>
      </Modal>
    </>
  );
}
