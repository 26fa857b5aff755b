// The view "People": whom the gallery knows; finds, enrols, renames and removes them.
import {listPeople} from './api.js';
import {button, el, forbid, icon, notice, say} from './dom.js';
import {createEnrol} from './enrol.js';
import {date, number, people as countOf, plural} from './format.js';
import {forbidden, refreshModel, watchModel} from './model_info.js';
import {monogram} from './monogram.js';
import {createPerson, hashOf} from './person.js';
import {createRenameForm, removeWithUndo} from './person_actions.js';
import {listenForPaste} from './photo_input.js';

const PAGE = 50;
const TYPING = 250;  // milliseconds without a key until it is searched

export function createPeople(section) {
  let page = 0, search = '', onePhoto = false, total = 0;
  let asked = 0;  // the answer to an earlier search is not shown any more
  let timer = 0;
  let stopPaste = () => {};
  let active = false, detail = false;

  const searchInput = el('input', {
    type: 'search', placeholder: 'Search by name', 'aria-label': 'Search by name',
    autocomplete: 'off', spellcheck: 'false',
    on: {input: () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        search = searchInput.value.trim();
        page = 0;
        load();
      }, TYPING);
    }},
  });
  const enrolButton = el('a', {class: 'button primary', href: '#people?enrol'}, icon('plus'),
                         el('span', {}, 'Enrol'));
  const filter = button('One photo', () => {
    onePhoto = !onePhoto;
    filter.setAttribute('aria-pressed', String(onePhoto));
    page = 0;
    load();
  }, {'aria-pressed': 'false', class: 'button secondary toggle',
      title: 'Only people of whom there is one photo'});
  const advice = el('p', {class: 'hint forbidden', hidden: true},
      'Five photos of a person cut misses from about 21 to 6 % (measured on LFW). More can be ' +
      'enrolled under the same name.');
  const why = el('p', {class: 'hint forbidden', hidden: true});
  const count = el('p', {class: 'count', role: 'status', 'aria-live': 'polite'});
  const problem = el('div');
  const list = el('ul', {class: 'people-list', 'aria-label': 'people', hidden: true});
  const empty = el('div', {class: 'card empty', hidden: true});
  const before = button('Previous', () => turn(-1), {icon: 'left'});
  const after = button('Next', () => turn(1), {icon: 'right', class: 'button secondary trailing'});
  const place = el('span', {class: 'place'});
  const paging = el('nav', {class: 'paging', 'aria-label': 'pages of people', hidden: true},
                    before, place, after);
  const listPart = el('div', {class: 'list-part'},
    el('div', {class: 'tools'},
       el('div', {class: 'search'}, icon('search'), searchInput), filter, enrolButton),
    why, advice, count, problem, empty, list, paging);

  const enrol = createEnrol({changed: () => load(), closed: () => { location.hash = '#people'; }});
  const person = createPerson({left: () => {
    refreshModel().catch(() => {});  // the header's count only
    location.hash = '#people';
  }});
  section.append(enrol.element, listPart, person.element);

  async function turn(by) {
    page += by;
    await load();
    list.querySelector('a')?.focus();
  }

  async function load() {
    const mine = ++asked;
    let answer;
    try {
      answer = await listPeople({search, templates: onePhoto ? 1 : undefined, page, size: PAGE});
    } catch (error) {
      if (mine !== asked) return;
      problem.replaceChildren(notice('error', error.message, ' ',
                                     button('Try again', load, {kind: 'quiet'})));
      return;
    }
    if (mine !== asked) return;
    const pages = Math.max(1, Math.ceil(answer.total / PAGE));
    if (page >= pages) {  // others removed people meanwhile
      page = pages - 1;
      load();
      return;
    }
    problem.replaceChildren();
    total = answer.total;
    list.replaceChildren(...answer.people.map(row));
    list.hidden = answer.people.length === 0;
    advice.hidden = !onePhoto || total === 0;
    say(count, countText());
    drawEmpty();
    paging.hidden = pages < 2;
    before.disabled = page === 0;
    after.disabled = page >= pages - 1;
    const first = page * PAGE + 1;
    place.textContent = `${number(first)}–${number(first + answer.people.length - 1)} of ` +
                        number(total);
  }

  const countText = () => (search || onePhoto
      ? `${countOf(total)}${onePhoto ? ' with one photo' : ''} found`
      : total ? countOf(total) : '');

  function drawEmpty() {
    empty.hidden = total > 0;
    if (total > 0) return;
    empty.replaceChildren(...(search || onePhoto ? [
      el('h2', {}, search ? `Nobody’s name holds “${search}”` : 'Nobody has one photo only'),
      el('p', {}, !onePhoto ? 'Capitals do not matter; any part of a name will do.'
          : search ? 'Only people with one photo were looked for.'
          : 'There are several of everybody, or there is nobody yet.'),
      el('div', {class: 'actions'}, button('Show everybody', () => {
        searchInput.value = search = '';
        onePhoto = false;
        filter.setAttribute('aria-pressed', 'false');
        page = 0;
        load();
        searchInput.focus();
      })),
    ] : [
      el('h2', {}, 'Nobody is enrolled yet'),
      el('p', {}, 'One photo of a person is enough; more make it surer.'),
      forbidden() ? null : el('div', {class: 'actions'},
        el('a', {class: 'button primary', href: '#people?enrol'}, icon('plus'),
           el('span', {}, 'Enrol somebody'))),
    ].filter(Boolean)));
  }

  function row({name, added, templates}) {
    const reason = forbidden();
    const problemHere = el('div', {class: 'below'});
    const link = el('a', {href: hashOf(name)}, name);
    const about = el('span', {class: 'meta'},
        templates === 1 ? [el('span', {class: 'chip'}, 'one photo'), el('span', {}, date(added))]
                        : `${plural(templates, 'picture', 'pictures')} · ${date(added)}`);
    const main = el('div', {class: 'about'}, link, about);
    const rename = button('Rename', () => {
      const form = createRenameForm(name, {
        done: () => {
          refreshModel().catch(() => {});  // a merge changes the header's count
          load().then(() => searchInput.focus());
        },
        cancelled: () => {
          form.element.replaceWith(main);
          actions.hidden = false;
          rename.focus();
        },
      });
      main.replaceWith(form.element);
      actions.hidden = true;
      form.focus();
    }, {kind: 'quiet', icon: 'pencil', 'aria-label': `Rename ${name}`});
    const remove = button('Remove', async () => {
      problemHere.replaceChildren();
      const next = element.nextElementSibling ?? element.previousElementSibling;
      try {
        await removeWithUndo(name, {
          removed: () => {
            (next?.querySelector('a') ?? searchInput).focus();
            refreshModel().catch(() => {});  // the header's count only
            load();
          },
          restored: async () => {
            refreshModel().catch(() => {});
            if (!active || detail) return;
            await load();
            const links = [...list.querySelectorAll('a')];
            (links.find((other) => other.textContent === name) ?? searchInput).focus();
          },
        });
      } catch (error) {
        problemHere.replaceChildren(notice('error', error.message));
      }
    }, {kind: 'quiet', icon: 'bin', 'aria-label': `Remove ${name}`});
    for (const control of [rename, remove]) forbid(control, reason);
    const actions = el('div', {class: 'actions'}, rename, remove);
    const element = el('li', {class: 'person-row'}, monogram(name), main, actions, problemHere);
    return element;
  }

  watchModel((info) => {
    const reason = forbidden(info);
    why.textContent = reason;
    why.hidden = !reason;
    enrolButton.hidden = Boolean(reason);
  });

  return {
    // `rest` is what stands behind #people: "/NAME" or "?enrol" or nothing.
    show(rest) {
      active = true;
      stopPaste();
      stopPaste = listenForPaste((photos) => {
        if (enrol.isOpen) enrol.add(photos);
      });
      detail = rest.startsWith('/') && rest.length > 1;
      const enrolling = rest === '?enrol' && !forbidden();
      if (!enrolling && enrol.isOpen) enrol.close();
      listPart.hidden = detail;
      if (detail) {
        person.show(decodeURIComponent(rest.slice(1)));
      } else {
        person.hide();
        load();
        if (enrolling && !enrol.isOpen) enrol.open();
      }
      return detail || enrolling;  // they take the focus themselves
    },
    hide() {
      active = false;
      clearTimeout(timer);
      stopPaste();
      if (enrol.isOpen) enrol.close();
      person.hide();
    },
  };
}
