// Enrols people: pictures of the camera or files, each with its own progress and its own error.
import {enrol, enrolPhotos} from './api.js';
import {button, el, field, forbid, icon, newId, notice, say, setBusy} from './dom.js';
import {createEnrolCamera} from './enrol_camera.js';
import {nameOfFile, plural, withoutFile} from './format.js';
import {forbidden, refreshModel} from './model_info.js';
import {createPhotoInput, picture, PictureUrls} from './photo_input.js';

const ADVICE = {
  28: 'No face was found. Take a picture that shows it from the front, well lit.',
  31: 'There are several faces. Cut the picture to one of them.',
};

function adviceFor(error, file) {
  if (ADVICE[error.code]) return ADVICE[error.code];
  if (error.status === 400) {
    return `${withoutFile(error.plain, file)}. Choose a JPEG, PNG or WebP picture.`;
  }
  return error.message;
}

let names = 0;  // of radio groups

function radios(legend, options, chosen) {
  const name = `choice-${++names}`;
  const inputs = options.map(([value]) => el('input', {
    type: 'radio', name, value, id: newId('choice'), checked: value === options[0][0],
    on: {change: () => chosen(value)},
  }));
  return {
    inputs,
    element: el('fieldset', {class: 'segments'}, el('legend', {class: 'unseen'}, legend),
      options.map(([, label], i) =>
        el('div', {}, inputs[i], el('label', {for: inputs[i].id}, label)))),
  };
}

// `changed()` is called whenever somebody was enrolled, `closed()` when it is done with.
export function createEnrol({changed, closed}) {
  const urls = new PictureUrls();
  let items = [];           // pictures: {photo, row, state: waiting | busy | done | failed}
  let source = 'files';
  let naming = 'all';
  let working = false;
  let round = 0;            // of enrolling; one that the form was closed on goes no further

  // ---- Whose pictures ----

  const name = el('input', {type: 'text', autocomplete: 'off', maxlength: 200,
                            on: {input: () => refresh()}});
  const nameField = field('Name', name, 'All pictures below show this person.');
  const namingChoice = radios('Whom the files show', [
    ['all', 'All show one person'], ['each', 'One person per file'],
  ], (value) => {
    naming = value;
    refresh();
  });

  // ---- Camera ----

  const camera = createEnrolCamera({
    kept: () => open().map((item) => item.photo),
    add: (photo) => add([{...photo, camera: true}]),
    complete: () => (name.value.trim() ? submit : name).focus(),
  });

  // ---- Files ----

  const input = createPhotoInput({label: 'Choose files', multiple: true, onPhotos: add,
                                  hint: 'or drop them here, or paste one.'});
  const filesPart = el('div', {class: 'part'}, input.element);

  const sources = radios('Where the pictures come from',
                         [['files', 'Files'], ['camera', 'Camera']], (value) => {
    source = value;
    clearPictures();  // they were to be named in another way
    camera.stop();
    refresh();
  });

  // ---- The pictures and their progress ----

  const list = el('ul', {class: 'pictures'});
  const status = el('p', {class: 'status-line', role: 'status', 'aria-live': 'polite'});
  const progress = el('progress', {max: 1, value: 0, 'aria-label': 'pictures enrolled',
                                   hidden: true});
  const submitText = el('span', {}, 'Enrol');
  const submit = el('button', {type: 'submit', class: 'button primary'}, submitText);
  const problem = el('div');

  function add(photos) {
    if (!open().length) clearPictures();  // those of before are done
    for (const photo of photos) {
      const url = urls.of(photo.thumb ?? photo.blob);
      const own = el('input', {type: 'text', value: photo.camera ? '' : nameOfFile(photo.file),
                               autocomplete: 'off', maxlength: 200, id: newId('own-name')});
      const ownField = el('div', {class: 'own-name'},
          el('label', {for: own.id, class: 'unseen'}, `Name of the person on ${photo.file}`), own);
      const state = el('p', {class: 'state'});
      const item = {photo, url, own, ownField, stateText: state, state: 'waiting'};
      const drop = button('Leave out', () => {
        const next = item.row.nextElementSibling ?? item.row.previousElementSibling;
        items = items.filter((other) => other !== item);
        urls.revoke(url);
        item.row.remove();
        refresh();
        const otherwise = source === 'camera' ? name : input.input;
        (next?.querySelector('button') ?? otherwise).focus();
      }, {kind: 'quiet icon-only', icon: 'close', 'aria-label': `Leave out ${photo.file}`});
      item.drop = drop;
      item.row = el('li', {class: 'picture'}, picture(url, ''),
        el('div', {class: 'about'}, el('p', {class: 'file'}, photo.file), ownField, state), drop);
      items.push(item);
      list.append(item.row);
    }
    problem.replaceChildren();
    refresh();
  }

  function setState(item, state, text = '') {
    item.state = state;
    item.row.dataset.state = state;
    const mark = {done: 'tick', failed: 'warning'}[state];
    item.stateText.replaceChildren(...[mark ? icon(mark) : null, el('span', {}, text)]
        .filter(Boolean));
    if (state === 'failed') item.stateText.setAttribute('role', 'alert');
    else item.stateText.removeAttribute('role');
  }

  const open = () => items.filter((item) => item.state !== 'done');

  function refresh() {
    const each = source === 'files' && naming === 'each';
    camera.element.hidden = source !== 'camera';
    camera.refresh();
    list.classList.toggle('strip', source === 'camera');
    filesPart.hidden = source !== 'files';
    namingChoice.element.hidden = source !== 'files';
    nameField.hidden = each;
    for (const item of items) {
      item.ownField.hidden = !each || item.state === 'done';
      item.drop.hidden = working || item.state === 'done';
    }
    const left = open();
    const failed = left.filter((item) => item.state === 'failed').length;
    submitText.textContent = failed && failed === left.length
        ? `Try ${plural(failed, 'picture', 'pictures')} again`
        : left.length ? `Enrol ${plural(left.length, 'picture', 'pictures')}` : 'Enrol';
    setBusy(submit, working);
    list.hidden = items.length === 0;
  }

  async function work(event) {
    event.preventDefault();
    if (working) return;
    problem.replaceChildren();
    const each = source === 'files' && naming === 'each';
    const left = open();
    if (!left.length) {
      problem.replaceChildren(notice('error', source === 'camera'
          ? 'There is no picture yet. Take one first.' : 'There is no picture yet. Choose files.'));
      return;
    }
    if (!each && !name.value.trim()) {
      problem.replaceChildren(notice('error', 'Whom do the pictures show? Type a name.'));
      name.focus();
      return;
    }
    const unnamed = each && left.find((item) => !item.own.value.trim());
    if (unnamed) {
      problem.replaceChildren(notice('error',
                                     `Whom does ${unnamed.photo.file} show? Type a name.`));
      unnamed.own.focus();
      return;
    }
    working = true;
    const mine = ++round;
    progress.hidden = false;
    progress.max = left.length;
    progress.value = 0;
    left.forEach((item) => setState(item, 'waiting', 'waiting'));
    refresh();
    const enrolled = source === 'camera' ? await workTogether(left, name.value.trim())
                                         : await workOneByOne(left, each, mine);
    const {done, whom, known = 0} = enrolled;
    if (done) {
      refreshModel().catch(() => {});  // the header's count only
      changed();
    }
    if (mine !== round) return;
    working = false;
    progress.hidden = true;
    const failed = left.length - done;
    const people = whom.size === 1 ? [...whom][0] : plural(whom.size, 'person', 'people');
    const notDone = known ? `; ${known} had been before.`
        : failed ? `; ${failed} could not be, the reasons stand beside them.` : '.';
    const nothing = source === 'camera' ? 'Nothing was enrolled.'
        : 'Nothing was enrolled; the reasons stand beside the pictures.';
    say(status, !done ? nothing
        : `${plural(done - known, 'picture', 'pictures')} of ${people} enrolled${notDone}`);
    refresh();
  }

  // Files, each with its own answer. `whom`: who got pictures.
  async function workOneByOne(left, each, mine) {
    let done = 0;
    const whom = new Set(), whose = name.value.trim();
    for (const item of left) {
      const person = each ? item.own.value.trim() : whose;
      setState(item, 'busy', 'enrolling …');
      try {
        await enrol(person, item.photo);
        setState(item, 'done', `enrolled as ${person}`);
        whom.add(person);
        ++done;
      } catch (error) {
        setState(item, 'failed', adviceFor(error, item.photo.file));
      }
      if (mine !== round) break;
      ++progress.value;
      say(status, `${progress.value} of ${left.length} …`);
    }
    return {done, whom};
  }

  // The camera's pictures of one person: all of them, or none. `known`: how many were there before.
  async function workTogether(left, person) {
    camera.pause();
    left.forEach((item) => setState(item, 'busy', 'enrolling …'));
    try {
      const answer = await enrolPhotos(person, left.map((item) => item.photo));
      left.forEach((item, i) => setState(item, 'done', answer.photos[i].added
          ? 'enrolled' : 'there before'));
      return {done: left.length, whom: new Set([person]), known: left.length - answer.added};
    } catch (error) {
      const at = left.findIndex((item) => error.plain?.startsWith(`${item.photo.file}: `));
      left.forEach((item, i) => {
        setState(item, i === at ? 'failed' : 'waiting', i === at ? 'refused' : '');
      });
      const others = left.length > 1 ? ' Leave this picture out, then enrol the others.' : '';
      problem.replaceChildren(notice('error', at < 0 ? error.message
          : `${withoutFile(error.plain, left[at].photo.file)}.${others}`));
      return {done: 0, whom: new Set()};
    }
  }

  function clearPictures() {
    ++round;
    working = false;
    progress.hidden = true;
    urls.revokeAll();
    items = [];
    list.replaceChildren();
    problem.replaceChildren();
    status.textContent = '';
  }

  function clear() {
    clearPictures();
    camera.clear();
    name.value = '';
    refresh();
  }

  const element = el('form', {class: 'card enrol', hidden: true, 'aria-labelledby': 'enrol-title',
                              on: {submit: work}},
    el('div', {class: 'row'}, el('h2', {id: 'enrol-title', tabindex: -1}, 'Enrol'),
       button('Close', () => closed(), {kind: 'quiet', icon: 'close'})),
    sources.element,
    el('div', {class: 'enrol-parts'},
       el('div', {}, filesPart, camera.element),
       el('div', {class: 'whom'}, namingChoice.element, nameField, list, problem,
          el('div', {class: 'actions'}, submit, progress), status)));
  refresh();
  return {
    element,
    open() {
      element.hidden = false;
      element.querySelector('#enrol-title').focus();
      forbid(submit, forbidden());
    },
    close() {
      element.hidden = true;
      clear();
    },
    add(photos) {
      if (source === 'files') add(photos);
    },
    get isOpen() {
      return !element.hidden;
    },
  };
}
