import { ActionIcon, Button, FileButton, Group, Progress, Skeleton, Text, Tooltip } from '@mantine/core';
import {
  IconCheck,
  IconCloudUpload,
  IconFile,
  IconFolderOpen,
  IconTrash,
  IconUpload,
  IconX,
} from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { hub } from '@/api/client';
import { checkQuery, filesQuery } from '@/api/queries';
import { queries } from '@/app/queryClient';
import { bytes } from '@/app/time';
import { Ago } from '@/components/Ago';
import { Card } from '@/components/Card';
import { ErrorNote } from '@/components/ErrorNote';
import { Status } from '@/components/Status';
import { useModel } from '../useModel';
import { CheckCard } from './CheckCard';
import classes from './FilesPanel.module.css';
import { FileView, type Place } from './FileView';
import { addressOf, type Dropped, ofDrop, ofInput, type Plan, plan, sendFile } from './upload';

interface Sending {
  path: string;
  share: number;
  error: unknown;
}
const AT_ONCE = 4;

export function FilesPanel() {
  const { modelId, active, mayChange } = useModel();
  const files = useQuery({
    ...filesQuery(modelId),
    // Scans and uploads of others change it without an event.
    refetchInterval: (query) =>
      query.state.data?.some((file) => file.state !== 'READY' && file.state !== 'REJECTED') ? 1500 : false,
  });
  const check = useQuery(checkQuery(modelId));
  const [sending, setSending] = useState<Sending[]>([]);
  const [leftOut, setLeftOut] = useState<Plan['leftOut']>([]);
  const [over, setOver] = useState(false);
  const [seen, setSeen] = useState<Place | null>(null);
  const folder = useRef<HTMLInputElement>(null);
  const open = mayChange && !active;

  const send = async (dropped: Dropped[]) => {
    const wanted = plan(dropped);
    setLeftOut(wanted.leftOut);
    const jobs = [
      ...wanted.files.map(({ path, file }) => ({ path, file, address: addressOf(modelId, path) })),
      ...wanted.bundles.map((file) => ({ path: file.name, file, address: `/api/v1/models/${modelId}/bundle` })),
    ];
    setSending(jobs.map(({ path }) => ({ path, share: 0, error: null })));
    const change = (path: string, part: Partial<Sending>) =>
      setSending((before) => before.map((one) => (one.path === path ? { ...one, ...part } : one)));
    const waiting = [...jobs];
    const worker = async () => {
      for (let job = waiting.shift(); job; job = waiting.shift()) {
        const { path, file, address } = job;
        try {
          await sendFile(modelId, path, file, address, (share) => change(path, { share }));
          change(path, { share: 1 });
        } catch (error) {
          change(path, { error });
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    await Promise.all([
      queries.invalidateQueries({ queryKey: ['model', modelId, 'files'] }),
      queries.invalidateQueries({ queryKey: ['model', modelId, 'check'] }),
    ]);
    setSending((before) => before.filter((one) => one.error));
  };
  const remove = async (path: string) => {
    await hub.DELETE('/api/v1/models/{model_id}/files/{path}', { params: { path: { model_id: modelId, path } } });
    await queries.invalidateQueries({ queryKey: ['model', modelId] });
  };

  return (
    <div className={classes.layout}>
      <div className={classes.column}>
        {open && (
          // biome-ignore lint/a11y/noStaticElementInteractions: dropping is an extra; the buttons inside do the same by keyboard
          <div
            className={classes.drop}
            data-over={over || undefined}
            onDragOver={(event) => {
              event.preventDefault();
              setOver(true);
            }}
            onDragLeave={() => setOver(false)}
            onDrop={(event) => {
              event.preventDefault();
              setOver(false);
              void ofDrop(event.dataTransfer.items).then(send);
            }}
          >
            <IconCloudUpload size={28} stroke={1.5} aria-hidden />
            <div>
              <b>Drop your app here</b>
              <div className={classes.muted}>A folder, files, a zip or a FAB. Files of the same path are replaced.</div>
            </div>
            <Group gap={8}>
              <Button
                variant="default"
                leftSection={<IconFolderOpen size={16} />}
                onClick={() => folder.current?.click()}
              >
                Folder
              </Button>
              <input
                ref={folder}
                type="file"
                hidden
                multiple
                aria-label="Folder of the app"
                data-testid="folder"
                {...{ webkitdirectory: '' }}
                onChange={(event) => {
                  if (event.target.files) void send(ofInput(event.target.files));
                  event.target.value = '';
                }}
              />
              <FileButton multiple onChange={(chosen) => void send(chosen.map((file) => ({ path: file.name, file })))}>
                {(props) => (
                  <Button variant="default" leftSection={<IconUpload size={16} />} {...props}>
                    Files or zip
                  </Button>
                )}
              </FileButton>
            </Group>
          </div>
        )}
        {active && (
          <Text size="sm" c="dimmed">
            Files cannot change while a run is queued or running.
          </Text>
        )}
        {sending.length > 0 && (
          <Card title={sending.every((one) => one.error) ? 'Not uploaded' : 'Uploading'}>
            <div className={classes.sending}>
              {sending.map((one) => (
                <div key={one.path}>
                  <div className={classes.sendingHead}>
                    <code>{one.path}</code>
                    <span className="num">
                      {one.error ? <IconX size={15} color="var(--bad)" /> : `${Math.round(one.share * 100)} %`}
                    </span>
                  </div>
                  {one.error ? (
                    <ErrorNote error={one.error} />
                  ) : (
                    <Progress value={one.share * 100} size={4} aria-label={`Upload of ${one.path}`} />
                  )}
                </div>
              ))}
            </div>
          </Card>
        )}
        {leftOut.length > 0 && (
          <details className={classes.left}>
            <summary>
              {leftOut.length} {leftOut.length === 1 ? 'file was' : 'files were'} left out
            </summary>
            <ul>
              {leftOut.map(({ path, why }) => (
                <li key={path}>
                  <code>{path}</code> {why}
                </li>
              ))}
            </ul>
          </details>
        )}
        <Card
          flush
          title="Files"
          note={
            files.data &&
            `${files.data.length} files, ${bytes(files.data.reduce((sum, file) => sum + file.size_bytes, 0))}`
          }
        >
          {files.error && <ErrorNote error={files.error} retry={files.refetch} />}
          {!files.data && !files.error && <Skeleton height={160} m="md" />}
          <ul className={classes.files}>
            {check.data?.required
              .filter((one) => !one.present)
              .map((one) => (
                <li key={`missing ${one.path}`} data-missing>
                  <IconFile size={16} stroke={1.5} aria-hidden />
                  <div className={classes.grow}>
                    <code>{one.path}</code>
                    <div className={classes.muted}>{one.why}</div>
                  </div>
                  <Status state="error" word="Required, missing" />
                </li>
              ))}
            {files.data?.map((file) => (
              <li key={file.path + (file.upload_id ?? '')}>
                <IconFile size={16} stroke={1.5} aria-hidden />
                <div className={classes.grow}>
                  <button
                    type="button"
                    className={classes.path}
                    onClick={() => setSeen({ path: file.path, line: null })}
                  >
                    {file.path}
                  </button>
                  <div className={classes.muted}>
                    {bytes(file.size_bytes)} · <Ago at={file.uploaded_at} />
                    {file.reason && <span className={classes.bad}> · {file.reason}</span>}
                  </div>
                </div>
                {check.data?.required.some((one) => one.present && one.path === file.path) && (
                  <Tooltip label="The app needs this file">
                    <span className={classes.needed}>
                      <IconCheck size={13} stroke={2.5} aria-hidden /> required
                    </span>
                  </Tooltip>
                )}
                {file.state !== 'READY' && (
                  <Status
                    state={file.state}
                    word={file.state[0] + file.state.slice(1).toLowerCase()}
                    tone={file.state === 'REJECTED' ? 'bad' : 'info'}
                    pulse={file.state !== 'REJECTED'}
                  />
                )}
                {open && (
                  <Tooltip label="Delete">
                    <ActionIcon aria-label={`Delete ${file.path}`} onClick={() => void remove(file.path)}>
                      <IconTrash size={16} stroke={1.6} />
                    </ActionIcon>
                  </Tooltip>
                )}
              </li>
            ))}
          </ul>
        </Card>
      </div>
      <CheckCard check={check.data} error={check.error} empty={files.data?.length === 0} onPlace={setSeen} />
      <FileView modelId={modelId} place={seen} onClose={() => setSeen(null)} />
    </div>
  );
}
