// What can be done to a person anywhere on the page: rename, merge, remove with undo, export.
import {exportPerson, importPeople, listPeople, removePerson, renamePerson} from './api.js';
import {button, el, isBusy, newId, notice, setBusy} from './dom.js';
import {plural} from './format.js';
import {toast} from './toast.js';

// Who has exactly this name; nothing where nobody has.
async function findPerson(name) {
  for (let page = 0, size = 500; ; ++page) {
    const {people, total} = await listPeople({search: name, page, size});
    const found = people.find((person) => person.name === name);
    if (found || (page + 1) * size >= total) return found ?? null;
  }
}

// A form in place of the name. `done(name)` has the new name, `cancelled()` nothing changed.
export function createRenameForm(name, {done, cancelled}) {
  const input = el('input', {
    id: newId('rename'), type: 'text', value: name, required: true, autocomplete: 'off',
    maxlength: 200,
  });
  const below = el('div', {class: 'below'});
  const save = el('button', {type: 'submit', class: 'button primary'}, 'Save');
  const cancel = button('Cancel', cancelled, {kind: 'quiet'});

  async function rename(to) {
    below.replaceChildren();
    try {
      await renamePerson(name, to);
      done(to);
    } catch (error) {
      below.replaceChildren(notice('error', error.message));
    }
  }

  // Two people become one for good, so that is asked.
  function askToMerge(to, other) {
    const merge = button(`Merge into ${to}`, () => rename(to), {kind: 'danger'});
    const keep = button('Keep both', () => {
      below.replaceChildren();
      input.focus();
    }, {kind: 'secondary'});
    below.replaceChildren(el('div', {class: 'notice warn', role: 'alertdialog',
                                     'aria-label': 'Merge two people?'},
      el('div', {}, el('p', {}, el('strong', {}, `There is already somebody called ${to}, `),
         `with ${plural(other.templates, 'picture', 'pictures')}. Merging makes the two ` +
         'one person; renaming does not part them again.'),
      el('div', {class: 'actions'}, merge, keep))));
    keep.focus();
  }

  async function check() {
    const to = input.value.trim();
    if (to === name) {
      cancelled();
      return;
    }
    if (!to) {
      below.replaceChildren(notice('error', 'A person needs a name.'));
      input.focus();
      return;
    }
    let other = null;
    try {
      other = await findPerson(to);
    } catch (error) {
      below.replaceChildren(notice('error', error.message));
      return;
    }
    if (other) askToMerge(to, other);
    else await rename(to);
  }

  async function submit(event) {
    event.preventDefault();
    if (isBusy(save)) return;
    setBusy(save, true);
    await check();
    setBusy(save, false);
  }

  const element = el('form', {
    class: 'rename', on: {
      submit,
      keydown: (event) => {
        if (event.key === 'Escape') cancelled();
      },
    },
  }, el('label', {for: input.id, class: 'unseen'}, `New name of ${name}`),
  el('div', {class: 'with-button'}, input, save, cancel), below);
  return {element, focus: () => input.select()};
}

// What is stored is fetched before it is removed, and held by the toast alone: when that goes,
// there is no copy any more. Throws ApiError.
export async function removeWithUndo(name, {removed, restored}) {
  const copy = await exportPerson(name);
  await removePerson(name);
  toast(`${name} was removed.`, {
    action: 'Undo',
    click: async () => {
      try {
        await importPeople(copy);
        toast(`${name} is back.`, {seconds: 5});
        restored();
      } catch (error) {
        toast(`${name} could not be brought back. ${error.message}`, {seconds: 30});
      }
    },
  });
  removed();
}

export async function downloadPerson(name) {
  const text = await exportPerson(name);
  const url = URL.createObjectURL(new Blob([text], {type: 'application/x-ndjson'}));
  const link = el('a', {href: url, download: `${name.replace(/[^\p{L}\p{N} ._-]+/gu, '_')}.jsonl`});
  document.body.append(link);
  link.click();
  link.remove();
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
