// All that is stored of one person.
import {getPerson, removeImage, storedPhoto} from './api.js';
import {button, el, forbid, icon, notice} from './dom.js';
import {dateTime, number, plural} from './format.js';
import {forbidden, modelInfo, refreshModel} from './model_info.js';
import {monogram} from './monogram.js';
import {createRenameForm, downloadPerson, removeWithUndo} from './person_actions.js';
import {picture, PictureUrls} from './photo_input.js';
import {toast} from './toast.js';

export const hashOf = (name) => `#people/${encodeURIComponent(name)}`;

// Shown in place of the list of people; `left()` is called when the person is gone.
export function createPerson({left}) {
  const urls = new PictureUrls();
  const element = el('div', {class: 'person', hidden: true});
  let shownName = null;

  const back = () => el('a', {class: 'back', href: '#people'}, icon('left'),
                        el('span', {}, 'All people'));

  async function show(name) {
    shownName = name;
    urls.revokeAll();
    element.hidden = false;
    element.replaceChildren(back(), el('p', {class: 'hint busy'}, 'Loading …'));
    let person;
    try {
      person = await getPerson(name);
    } catch (error) {
      if (shownName !== name) return;
      const words = error.status === 404 ? 'There is nobody of this name; perhaps renamed or ' +
          'removed meanwhile.' : error.message;
      element.replaceChildren(back(), notice('error', words));
      return;
    }
    if (shownName === name) draw(person);
  }

  function draw(person) {
    const why = forbidden();
    const title = el('h2', {tabindex: -1}, person.name);
    const problem = el('div');
    const head = el('div', {class: 'who-row'}, monogram(person.name, 'large'), title);
    const fail = (error) => problem.replaceChildren(notice('error', error.message));

    const rename = button('Rename', () => {
      const form = createRenameForm(person.name, {
        done: (to) => { location.hash = hashOf(to); },
        cancelled: () => {
          form.element.replaceWith(head);
          rename.focus();
        },
      });
      head.replaceWith(form.element);
      form.focus();
    }, {icon: 'pencil'});
    const save = button('Export', () => downloadPerson(person.name).catch(fail), {icon: 'save'});
    const remove = button('Remove', async () => {
      problem.replaceChildren();
      try {
        await removeWithUndo(person.name, {
          removed: () => left(),
          restored: () => { location.hash = hashOf(person.name); },
        });
      } catch (error) {
        fail(error);
      }
    }, {kind: 'danger', icon: 'bin'});
    for (const control of [rename, save, remove]) forbid(control, why);

    const kept = modelInfo()?.photos;
    const n = person.templates.length;
    element.replaceChildren(
      back(),
      el('div', {class: 'card'},
        el('div', {class: 'row'}, head, el('div', {class: 'actions'}, rename, save, remove)),
        why ? el('p', {class: 'hint'}, why) : null,
        problem,
        el('p', {}, `Known since ${dateTime(person.added)}, from ` +
           `${plural(n, 'picture', 'pictures')}.`),
        el('p', {class: 'hint'}, kept
          ? 'This gallery keeps the photos beside their templates, so that it can move to ' +
            'another model.'
          : 'Of each picture a template is stored, the figures that the model makes of a face, ' +
            'and a digest that tells whether two files are the same. The photos themselves are ' +
            'not stored.')),
      el('ul', {class: 'templates'}, person.templates.map((stored, i) =>
        template(person, stored, i, why))));
    title.focus();
  }

  function template(person, stored, i, why) {
    const problem = el('div');
    const last = person.templates.length === 1;
    const remove = button('Remove', async () => {
      try {
        await removeImage(stored.image_id);
        toast(`A picture of ${person.name} was removed.`, {seconds: 6});
        refreshModel().catch(() => {});  // the header's count only
        if (last) left();
        else show(person.name);
      } catch (error) {
        problem.replaceChildren(notice('error', error.message));
      }
    }, {kind: 'quiet', icon: 'bin', 'aria-label': `Remove picture ${i + 1}`});
    // Taking the last one would take the person: that is the button above, which can be undone.
    forbid(remove, why || (last ? 'The only picture: remove the person instead.' : ''));
    const image = stored.photo ? el('div', {class: 'thumb'}, icon('image')) : null;
    if (image) showPhoto(image, stored, `Stored photo ${i + 1} of ${person.name}`);
    return el('li', {class: image ? 'card template' : 'card template plain'},
      image,
      el('div', {class: 'about'},
        el('h3', {}, `Picture ${number(i + 1)}`),
        el('dl', {},
          el('dt', {}, 'added'), el('dd', {}, dateTime(stored.added)),
          el('dt', {}, 'quality'),
          el('dd', {}, typeof stored.quality === 'number' ? stored.quality.toFixed(2) : 'unknown'),
          el('dt', {}, 'photo'), el('dd', {}, stored.photo ? 'kept' : 'not kept'),
          el('dt', {}, 'digest'),
          el('dd', {}, el('code', {title: stored.image_digest}, stored.image_digest))),
        problem),
      remove);
  }

  async function showPhoto(place, stored, alt) {
    try {
      const blob = await storedPhoto(stored.image_id);
      if (blob.size && place.isConnected) place.replaceChildren(picture(urls.of(blob), alt));
    } catch {
      // The sign of a picture stays in its place.
    }
  }

  return {
    element,
    show,
    hide() {
      shownName = null;
      urls.revokeAll();
      element.hidden = true;
      element.replaceChildren();
    },
  };
}
