// Registering many documents at once: each is sent by itself, so that one that fails takes no other with it. Without this
// script the form sends them all together.

const form = document.getElementById('documents');
const find = (id) => document.getElementById(id);
const say = (text, ...args) => args.reduce((out, arg, at) => out.replace(`{${at}}`, arg), text);

function make(name, className = '', text = '') {
  const element = document.createElement(name);
  if (className) element.className = className;
  // What strangers wrote gets in as text only.
  element.textContent = text;
  return element;
}

/** Sends a form, and returns what came of it: the status, and what was answered. */
async function send(path, body) {
  const csrf = form.elements.csrf.value;
  try {
    const response = await fetch(path, { method: 'POST', body, headers: { accept: 'application/json', 'x-csrf-token': csrf } });
    const answer = await response.json();
    return { ok: response.ok, status: response.status, answer };
  } catch {
    return { ok: false, status: 0, answer: {} };
  }
}

function listed(list, draft) {
  const words = list.dataset;
  const row = make('li', 'draft');
  row.dataset.draft = draft.draft;
  row.dataset.clear = String(draft.questions === 0 && draft.warnings === 0 && draft.record === null);
  const name = make('p', 'draft-name');
  const link = make('a');
  link.href = draft.review;
  link.append(make('bdi', '', draft.name));
  name.append(link);
  const about = make('p');
  about.append(draft.title === null ? make('span', 'quiet', words.untitled) : make('bdi', 'said', draft.title));
  for (const origin of draft.origins) about.append(' · ', make('bdi', 'said', origin));
  const chips = make('p');
  if (draft.record !== null) {
    const record = make('a', 'chip plain', say(words.already, draft.record));
    record.href = `/records/${draft.record}`;
    chips.append(record, ' ');
  }
  if (draft.questions > 0) chips.append(make('span', 'chip open', say(words.questions, draft.questions)), ' ');
  if (draft.warnings > 0) chips.append(make('span', `chip ${draft.grave ? 'bad' : 'open'}`, say(words.warnings, draft.warnings)));
  row.append(name, about, chips);
  list.append(row);
}

function failed(list, name, why) {
  const row = make('li', 'draft failed');
  const title = make('p', 'draft-name');
  title.append(make('bdi', '', name));
  const reason = make('p', 'notice invalid');
  reason.setAttribute('role', 'alert');
  reason.append(make('bdi', '', why));
  row.append(title, reason);
  list.append(row);
}

function progress(done, total, text) {
  find('work').hidden = false;
  find('bar').max = total;
  find('bar').value = done;
  find('bar-label').textContent = say(text, done, total);
}

function offerAll() {
  const button = find('all');
  if (button) button.hidden = document.querySelectorAll('[data-clear=true]').length === 0;
}

async function take(files) {
  const list = find('drafts');
  find('none').hidden = true;
  let done = 0;
  progress(done, files.length, form.dataset.reading);
  for (const file of files) {
    const body = new FormData();
    body.append('file', file, file.name);
    const { answer } = await send('/register', body);
    for (const draft of answer.drafts ?? []) listed(list, draft);
    const wrong = answer.failed ?? [{ name: file.name, why: answer.detail ?? form.dataset.failed }];
    for (const { name, why } of wrong) failed(list, name || file.name, why);
    done += 1;
    progress(done, files.length, done === files.length ? form.dataset.done : form.dataset.reading);
    offerAll();
  }
}

/** Registers all drafts of which there is nothing to ask. */
async function registerAll() {
  const list = find('drafts');
  const rows = [...document.querySelectorAll('[data-clear=true]')];
  find('all').disabled = true;
  for (const [done, row] of rows.entries()) {
    progress(done, rows.length, form.dataset.reading);
    const { ok, answer } = await send(`/register/${row.dataset.draft}`, new URLSearchParams());
    row.dataset.clear = 'false';
    if (ok && answer.record !== undefined) {
      const record = make('a', 'chip good', say(list.dataset.registered, answer.record));
      record.href = `/records/${answer.record}`;
      row.lastElementChild.replaceChildren(record);
      row.querySelector('.draft-name a').href = record.href;
    } else {
      row.lastElementChild.append(make('span', 'chip bad', answer.why ?? answer.detail ?? form.dataset.failed));
    }
  }
  progress(rows.length, rows.length, form.dataset.done);
  find('all').disabled = false;
  offerAll();
}

if (form) {
  const [zone, input] = [find('drop'), find('file')];
  form.addEventListener('submit', (event) => {
    // One document is read and looked at at once.
    if (input.files.length < 2) return;
    event.preventDefault();
    take([...input.files]).then(() => { input.value = ''; });
  });
  // A file dropped beside the zone would otherwise take the place of the page.
  for (const type of ['dragover', 'drop']) document.addEventListener(type, (event) => event.preventDefault());
  zone.addEventListener('dragover', () => zone.classList.add('over'));
  zone.addEventListener('dragleave', () => zone.classList.remove('over'));
  zone.addEventListener('drop', (event) => {
    zone.classList.remove('over');
    if (event.dataTransfer.files.length > 0) take([...event.dataTransfer.files]);
  });
  find('all')?.addEventListener('click', registerAll);
  offerAll();
}
