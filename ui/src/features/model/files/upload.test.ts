import { expect, test } from 'vitest';
import { plan } from './upload';

const dropped = (...paths: string[]) => paths.map((path) => ({ path, file: { name: path } as File }));

test('the name of a dropped app folder is not part of its paths', () => {
  const { files } = plan(dropped('monai/pyproject.toml', 'monai/app/client_app.py'));
  expect(files.map(({ path }) => path)).toEqual(['pyproject.toml', 'app/client_app.py']);
});

test('caches and hidden files are left out and told', () => {
  const { files, leftOut } = plan(
    dropped('a/pyproject.toml', 'a/app/__pycache__/x.pyc', 'a/.git/HEAD', 'a/.venv/x.py'),
  );
  expect(files).toHaveLength(1);
  expect(leftOut).toHaveLength(3);
});

test('what lies outside the app is left out and told', () => {
  const { files, leftOut } = plan(dropped('x/app/pyproject.toml', 'x/notes.md'));
  expect(files.map(({ path }) => path)).toEqual(['pyproject.toml']);
  expect(leftOut).toEqual([{ path: 'x/notes.md', why: 'outside the app’s folder' }]);
});

test('single files keep their names, and a zip goes as a bundle', () => {
  const { files, bundles } = plan(dropped('models.py', 'app.zip'));
  expect(files.map(({ path }) => path)).toEqual(['models.py']);
  expect(bundles.map(({ name }) => name)).toEqual(['app.zip']);
});
