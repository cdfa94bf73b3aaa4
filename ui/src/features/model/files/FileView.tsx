/** A file of the app, opened at the line that a finding names. */
import { Modal, Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { ErrorNote } from '@/components/ErrorNote';
import classes from './FilesPanel.module.css';
import { fileText } from './fileText';

export interface Place {
  path: string;
  line: number | null;
}
const TEXT = /\.(py|toml|md|ya?ml|json|jsonl|txt|cfg)$|^LICENSE$/;

export function FileView({ modelId, place, onClose }: { modelId: string; place: Place | null; onClose: () => void }) {
  const readable = place !== null && TEXT.test(place.path);
  const text = useQuery({ ...fileText(modelId, place?.path ?? ''), enabled: readable });
  const marked = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: scroll when the text has come
  useEffect(() => marked.current?.scrollIntoView({ block: 'center' }), [text.data, place]);
  return (
    <Modal
      opened={place !== null}
      onClose={onClose}
      title={<code>{place?.path}</code>}
      size="xl"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {place && !readable && <Text size="sm">This file is not text; download it to look into it.</Text>}
      {text.error && <ErrorNote error={text.error} />}
      {readable && text.isPending && <Skeleton height={300} />}
      {text.data !== undefined && (
        <pre className={classes.code} tabIndex={0}>
          {text.data.split('\n').map((line, index) => {
            const here = index + 1 === place?.line;
            return (
              // biome-ignore lint/suspicious/noArrayIndexKey: a line is its number
              <div key={index} data-marked={here || undefined} ref={here ? marked : undefined}>
                <span>{index + 1}</span>
                <span>{line || ' '}</span>
              </div>
            );
          })}
        </pre>
      )}
    </Modal>
  );
}
