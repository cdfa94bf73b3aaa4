/** A failure, with what to do, its stable code and the id to quote to whoever runs the hub. */
import { ActionIcon, Alert, Button, CopyButton, Group, Text, Tooltip } from '@mantine/core';
import { IconAlertTriangle, IconCheck, IconCopy } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { HubAway, HubError } from '@/api/errors';
import { CodeLink } from './CodeLink';

export function ErrorNote({
  error,
  title,
  retry,
  children,
}: {
  error: unknown;
  title?: string;
  retry?: () => void;
  children?: ReactNode;
}) {
  const hub = error instanceof HubError ? error : null;
  const message = error instanceof Error ? error.message : String(error);
  const code = hub?.code ?? (error instanceof HubAway ? error.code : 'page_error');
  return (
    <Alert color="red" variant="light" role="alert" icon={<IconAlertTriangle size={18} />} title={title}>
      <Text size="sm">{message}</Text>
      {children}
      <Group gap="xs" mt={8}>
        <CodeLink code={code} />
        {hub?.requestId && (
          <Group gap={2}>
            <Text size="xs" c="dimmed">
              request <span className="num">{hub.requestId.slice(0, 12)}</span>
            </Text>
            <CopyButton value={hub.requestId}>
              {({ copied, copy }) => (
                <Tooltip label={copied ? 'Copied' : 'Copy the request id'}>
                  <ActionIcon size="sm" aria-label="Copy the request id" onClick={copy}>
                    {copied ? <IconCheck size={13} /> : <IconCopy size={13} />}
                  </ActionIcon>
                </Tooltip>
              )}
            </CopyButton>
          </Group>
        )}
        {retry && (
          <Button size="compact-xs" variant="default" onClick={retry} ml="auto">
            Try again
          </Button>
        )}
      </Group>
    </Alert>
  );
}
