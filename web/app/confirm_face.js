// "This was Ada": on an operator's word the photo of a face becomes one more picture of a person,
// and stops being one where that is undone. Nothing is ever added without that word.
import {enrolPhotos, listPeople, removeImage} from './api.js';
import {button, el, icon, newId, notice, say} from './dom.js';
import {cutFaceAlone} from './face_crop.js';
import {plural} from './format.js';
import {refreshModel} from './model_info.js';
import {hashOf} from './person.js';
import {toast} from './toast.js';

const CHOICES = 6;
const TYPING = 250;       // milliseconds without a key until it is searched
const UNDO_SECONDS = 20;

// `position` numbers the faces of `photo`; 0 where there is only this one. changed() is called when
// the photo has become a picture of a person, and when that is undone.
export function createConfirmation(face, photo, position, changed = () => {}) {
  // Nearest first; for a face that was named wrongly, not that name.
  const nearest = face.candidates.map((entry) => entry.name)
      .filter((name) => !face.known || name !== face.name);
  let asked = 0, timer = 0, working = false;

  const words = face.known ? 'This was somebody else …' : 'This was …';
  const opener = button(words, open, {
    kind: face.known ? 'quiet' : 'secondary', 'aria-expanded': 'false',
    'aria-label': position ? `Face ${position}: ${words}` : undefined,
  });
  const input = el('input', {
    type: 'search', id: newId('whom'), autocomplete: 'off', spellcheck: 'false',
    placeholder: 'Search by name',
    on: {input: () => {
      clearTimeout(timer);
      timer = setTimeout(search, TYPING);
    }},
  });
  const status = el('p', {class: 'hint', role: 'status', 'aria-live': 'polite'});
  const choices = el('ul', {class: 'choices', 'aria-label': 'people'});
  const problem = el('div');
  const hint = el('p', {class: 'hint', id: `${input.id}-hint`},
                  `${position ? 'This face, cut out of the photo,' : 'The photo'} becomes one ` +
                  'more picture of this person. That can be undone.');
  input.setAttribute('aria-describedby', hint.id);
  const form = el('form', {
    class: 'whom-form', hidden: true,
    on: {
      submit: (event) => event.preventDefault(),  // Enter chooses nobody
      keydown: (event) => {
        if (event.key === 'Escape') close();
      },
    },
  }, el('label', {for: input.id}, position ? `Who was face ${position}?` : 'Who was it?'), input, hint, choices, status, problem,
  el('div', {class: 'actions'}, button('Cancel', close, {kind: 'quiet'})));
  const done = el('p', {class: 'added', tabindex: -1, hidden: true});
  const element = el('div', {class: 'confirm'}, opener, form, done);

  function open() {
    opener.setAttribute('aria-expanded', 'true');
    opener.hidden = true;
    form.hidden = false;
    input.focus();
    search();
  }

  function close() {
    clearTimeout(timer);
    ++asked;
    input.value = '';
    problem.replaceChildren();
    form.hidden = true;
    opener.hidden = false;
    opener.setAttribute('aria-expanded', 'false');
    opener.focus();
  }

  // The nearest stand first, as far as their names fit what is typed.
  async function search() {
    const mine = ++asked;
    const typed = input.value.trim();
    const fitting = nearest.filter((name) => name.toLowerCase().includes(typed.toLowerCase()));
    let found;
    try {
      found = await listPeople({search: typed, size: CHOICES + nearest.length + 1});
    } catch (error) {
      if (mine !== asked) return;
      problem.replaceChildren(notice('error', error.message));
      return;
    }
    if (mine !== asked) return;
    problem.replaceChildren();
    const others = found.people.map((person) => person.name)
        .filter((name) => !fitting.includes(name) && !(face.known && name === face.name));
    const names = [...fitting, ...others].slice(0, CHOICES);
    choices.replaceChildren(...names.map((name) => el('li', {},
        button(name, () => add(name), {'aria-label': `This was ${name}`}))));
    const named = face.known && face.name.toLowerCase().includes(typed.toLowerCase()) ? 1 : 0;
    const left = found.total - named - names.length;
    const more = `${plural(left, 'more person', 'more people')}: type a part of the name.`;
    say(status, names.length ? (left > 0 ? more : '')
        : typed ? `Nobody else’s name holds “${typed}”.` : 'There is nobody else.');
  }

  async function add(name) {
    if (working) return;
    working = true;
    problem.replaceChildren();
    try {
      const part = position ? await cutFaceAlone(photo, face.box) : photo;
      const [stored] = (await enrolPhotos(name, [part])).photos;
      if (stored.added) offerUndo(name, stored.image_id);
      show(name, stored.added);
    } catch (error) {
      problem.replaceChildren(notice('error', error.message));
    } finally {
      working = false;
    }
  }

  function show(name, added) {
    form.hidden = true;
    done.hidden = false;
    done.replaceChildren(icon('tick'), el('span', {}, added ? 'Now a picture of '
        : 'This photo is already a picture of ', el('a', {href: hashOf(name)}, name), '.'));
    done.focus();
    if (!added) return;
    refreshModel().catch(() => {});  // the header's count only
    changed();
  }

  function offerUndo(name, id) {
    toast(`The photo is now a picture of ${name}.`, {
      action: 'Undo', seconds: UNDO_SECONDS,
      click: async () => {
        try {
          await removeImage(id);
        } catch (error) {
          toast(`The picture of ${name} could not be removed. ${error.message}`, {seconds: 30});
          return;
        }
        toast(`The photo is no picture of ${name} any more.`, {seconds: 6});
        refreshModel().catch(() => {});
        changed();
        done.hidden = true;
        if (element.isConnected) close();
      },
    });
  }

  return {element, open, focus: () => opener.focus()};
}
