/** What is dropped on the files panel: files, folders, zips. What is left out is told, never silent. */

import { HubAway, HubError } from '@/api/errors';
import { session } from '@/api/session';

export interface Dropped {
  path: string;
  file: File;
}
export interface Plan {
  files: Dropped[];
  bundles: File[];
  leftOut: { path: string; why: string }[];
}

const BUNDLE = /\.(zip|fab)$/i;
const HIDDEN = /(^|\/)(\.[^/]+|__pycache__|node_modules)(\/|$)/;

/** Which of them are sent, under which path. A folder that holds pyproject.toml is the app; its own name is dropped. */
export function plan(dropped: readonly Dropped[]): Plan {
  const leftOut: Plan['leftOut'] = [];
  const bundles: File[] = [];
  const files: Dropped[] = [];
  for (const one of dropped) {
    if (HIDDEN.test(one.path)) leftOut.push({ path: one.path, why: 'hidden or a cache' });
    else if (BUNDLE.test(one.path) && !one.path.includes('/')) bundles.push(one.file);
    else files.push(one);
  }
  const root = files
    .map(({ path }) => path.match(/^(.*?)pyproject\.toml$/)?.[1])
    .filter((folder) => folder !== undefined)
    .sort((a, b) => a.length - b.length)[0];
  if (!root) return { files, bundles, leftOut };
  const inside = files.filter(({ path }) => path.startsWith(root));
  for (const { path } of files) if (!path.startsWith(root)) leftOut.push({ path, why: 'outside the app’s folder' });
  return { files: inside.map(({ path, file }) => ({ path: path.slice(root.length), file })), bundles, leftOut };
}

/** Files and folders of a drop, folders all the way down. */
export async function ofDrop(items: DataTransferItemList): Promise<Dropped[]> {
  const entries = [...items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  return (await Promise.all(entries.map((entry) => walk(entry, '')))).flat();
}

async function walk(entry: FileSystemEntry, folder: string): Promise<Dropped[]> {
  const path = folder + entry.name;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ path, file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: FileSystemEntry[] = [];
  // A reader gives a hundred entries at a time, then none.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break;
    found.push(...some);
  }
  return (await Promise.all(found.map((one) => walk(one, `${path}/`)))).flat();
}

export const ofInput = (list: FileList): Dropped[] =>
  [...list].map((file) => ({ path: file.webkitRelativePath || file.name, file }));

/** PUT with progress, which fetch cannot tell. */
function put(address: string, body: Blob, onProgress: (share: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('PUT', address);
    for (const [name, value] of Object.entries(session.headers('PUT'))) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = () => {
      if (request.status < 300) return resolve();
      reject(new HubError(request.status, parsed(request.responseText)));
    };
    request.onerror = () => reject(new HubAway());
    request.send(body);
  });
}

export const addressOf = (modelId: string, path: string) =>
  `/api/v1/models/${modelId}/files/${path.split('/').map(encodeURIComponent).join('/')}`;

const RESUMABLE_FROM = 8 * 2 ** 20;

/** A large file comes in pieces by the tus protocol and goes on after an interruption; a small one in one request. */
export async function sendFile(
  modelId: string,
  path: string,
  file: File,
  address: string,
  onProgress: (share: number) => void,
): Promise<void> {
  if (file.size < RESUMABLE_FROM) return put(address, file, onProgress);
  const { Upload } = await import('tus-js-client');
  return new Promise((resolve, reject) => {
    const upload = new Upload(file, {
      endpoint: `/api/v1/models/${modelId}/uploads`,
      metadata: { filename: path, ...(address.endsWith('/bundle') ? { bundle: 'true' } : {}) },
      chunkSize: 16 * 2 ** 20,
      retryDelays: [0, 1000, 3000, 5000, 10_000, 20_000],
      removeFingerprintOnSuccess: true,
      onBeforeRequest: (request) => {
        for (const [name, value] of Object.entries(session.headers(request.getMethod())))
          request.setHeader(name, value);
      },
      onProgress: (sent, total) => onProgress(sent / total),
      onSuccess: () => resolve(),
      onError: (error) => {
        const answer = 'originalResponse' in error ? error.originalResponse : null;
        reject(answer ? new HubError(answer.getStatus(), parsed(answer.getBody())) : new HubAway());
      },
    });
    void upload.findPreviousUploads().then(([before]) => {
      if (before) upload.resumeFromPreviousUpload(before);
      upload.start();
    });
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // not ours; the status says enough
  }
}
