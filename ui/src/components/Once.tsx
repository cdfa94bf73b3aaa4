/** A secret that is shown this once, to copy. */
import { ActionIcon, Alert, Code, CopyButton, Group, Text, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy, IconKey } from '@tabler/icons-react';
import type { ReactNode } from 'react';

export function Once({ title, secret, children }: { title: string; secret: string; children: ReactNode }) {
  return (
    <Alert color="petrol" variant="light" title={title} icon={<IconKey size={18} />} role="status">
      <Group gap="xs" wrap="nowrap" mb={6}>
        <Code fz="sm" style={{ overflowWrap: 'anywhere' }} data-testid="secret">
          {secret}
        </Code>
        <CopyButton value={secret}>
          {({ copied, copy }) => (
            <Tooltip label={copied ? 'Copied' : 'Copy'}>
              <ActionIcon aria-label="Copy" onClick={copy}>
                {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
              </ActionIcon>
            </Tooltip>
          )}
        </CopyButton>
      </Group>
      <Text size="sm" component="div">
        {children}
      </Text>
    </Alert>
  );
}
