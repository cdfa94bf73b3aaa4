/** What is in the zip, each file to be looked at or taken on its own. */
import { Modal, Skeleton } from '@mantine/core';
import { IconDownload, IconFile, IconPhoto } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { resultFilesQuery } from '@/api/queries';
import type { ResultFile } from '@/api/types';
import { bytes } from '@/app/time';
import { ErrorNote } from '@/components/ErrorNote';
import classes from './ResultsPanel.module.css';
import { TextView } from './TextView';

export function ResultFiles({ runId }: { runId: string }) {
  const { data: files, error, refetch } = useQuery(resultFilesQuery(runId));
  const [seen, setSeen] = useState<ResultFile | null>(null);
  const addressOf = (path: string) =>
    `/api/v1/runs/${runId}/results/files/${path.split('/').map(encodeURIComponent).join('/')}`;
  if (error && !files) return <ErrorNote error={error} retry={refetch} title="What is in the zip could not be read" />;
  if (!files) return <Skeleton height={120} mt="md" />;
  const picture = seen?.preview === 'picture' ? seen : null;
  const text = seen && seen.preview !== 'picture' ? seen : null;
  return (
    <>
      <ul className={classes.files} aria-label="Files of the results">
        {files.map((file) => (
          <li key={file.path}>
            {file.preview === 'picture' ? (
              <IconPhoto size={16} stroke={1.5} aria-hidden />
            ) : (
              <IconFile size={16} stroke={1.5} aria-hidden />
            )}
            {file.preview ? (
              <button type="button" className={classes.path} onClick={() => setSeen(file)}>
                {file.path}
              </button>
            ) : (
              <span className={classes.path}>{file.path}</span>
            )}
            <span className={`${classes.size} num`}>{bytes(file.size_bytes)}</span>
            <a href={addressOf(file.path)} download aria-label={`Download ${file.path}`} className={classes.take}>
              <IconDownload size={16} stroke={1.6} />
            </a>
          </li>
        ))}
      </ul>
      <Modal
        opened={picture !== null}
        onClose={() => setSeen(null)}
        title={<code>{picture?.path}</code>}
        size="xl"
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        {picture && <img src={addressOf(picture.path)} alt={picture.path} className={classes.picture} />}
      </Modal>
      <TextView
        title={text?.path ?? ''}
        address={text ? addressOf(text.path) : null}
        saveAs={text?.path.split('/').at(-1) ?? ''}
        onClose={() => setSeen(null)}
      />
    </>
  );
}
