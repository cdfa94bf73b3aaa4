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
export function put(address: string, body: Blob, onProgress: (share: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('PUT', address);
    for (const [name, value] of Object.entries(session.headers('PUT'))) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = () => {
      if (request.status < 300) return resolve();
      let answer: unknown = null;
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        // not ours; the status says enough
      }
      reject(new HubError(request.status, answer));
    };
    request.onerror = () => reject(new HubAway());
    request.send(body);
  });
}

export const addressOf = (modelId: string, path: string) =>
  `/api/v1/models/${modelId}/files/${path.split('/').map(encodeURIComponent).join('/')}`;
