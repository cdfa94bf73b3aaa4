// Files dropped on a project: each is sent on its own, and its outcome shown in a line of its own.
const drop = document.getElementById('drop');
const chosen = document.getElementById('files');
const table = document.getElementById('added');
const total = document.getElementById('added-total');

drop.addEventListener('dragover', (event) => {
  event.preventDefault();
  drop.classList.add('over');
});
drop.addEventListener('dragleave', () => drop.classList.remove('over'));
drop.addEventListener('drop', async (event) => {
  event.preventDefault();
  drop.classList.remove('over');
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
  send((await Promise.all(entries.map((entry) => files(entry, '')))).flat());
});
chosen.addEventListener('change', () => {
  send([...chosen.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
});

/** Every file below what was dropped, with its path. */
async function files(entry, above) {
  const path = above + entry.name;
  if (entry.isFile) return [{ path, file: await new Promise((done, failed) => entry.file(done, failed)) }];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((done, failed) => reader.readEntries(done, failed)); // at most 100 at a time
    if (!some.length) break;
    found.push(...some);
  }
  return (await Promise.all(found.map((one) => files(one, `${path}/`)))).flat();
}

async function send(given) {
  const owner = new Map();
  const rest = [];
  for (const one of given) {
    const rows = one.path.endsWith('.csv') ? csv(await one.file.text()) : [];
    const [head] = rows;
    if (head?.includes('accession_id') && head.includes('file')) {
      for (const row of rows.slice(1)) owner.set(row[head.indexOf('file')], row[head.indexOf('accession_id')]);
    } else rest.push(one);
  }
  table.hidden = false;
  let taken = 0;
  for (const { file, path } of rest) {
    const query = new URLSearchParams({ path });
    const accession = owner.get(path) ?? owner.get(file.name);
    if (accession) query.set('accession', accession);
    let outcome = { code: 'not_sent', text: 'The trust did not answer. Try again.' };
    try {
      const headers = { 'X-CSRF-Token': drop.dataset.csrf, 'Content-Type': 'application/octet-stream' };
      const answer = await fetch(`${drop.dataset.to}?${query}`, { method: 'POST', headers, body: file });
      outcome = answer.headers.get('content-type')?.includes('json')
        ? await answer.json()
        : { code: String(answer.status), text: 'The trust refused it. Reload the page.' };
    } catch {
      // what is shown stays "did not answer"
    }
    taken += outcome.code ? 0 : 1;
    const row = table.tBodies[0].insertRow();
    row.insertCell().textContent = path;
    const cell = row.insertCell();
    const tag = document.createElement('span');
    tag.className = `tag ${outcome.code ? 'bad' : 'good'}`;
    tag.textContent = outcome.code || 'added';
    cell.append(tag, ` ${outcome.text}`);
    total.textContent = `${taken} of ${rest.length} added.`;
  }
  chosen.value = '';
}

/** Rows of a CSV; quotes as in RFC 4180. */
function csv(text) {
  const rows = [[]];
  for (const [, quoted, plain, end] of text.replace(/^\uFEFF/, '').matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    rows.at(-1).push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === '') break;
    if (end !== ',') rows.push([]);
  }
  return rows.filter((row) => row.some((cell) => cell !== ''));
}
