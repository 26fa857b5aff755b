// The page of `doppel serve`: chooses the view by the hash, and keeps header and footer true.
import {createCompare} from './compare.js';
import {button, notice} from './dom.js';
import {people as countOf} from './format.js';
import {createIdentify} from './identify.js';
import {createKeyAccess} from './key_form.js';
import {createModel} from './model.js';
import {modelInfo, refreshModel, watchModel} from './model_info.js';
import {createPeople} from './people.js';
import {refuseStrayDrops} from './photo_input.js';

const place = (id) => document.getElementById(id);
const views = {
  identify: createIdentify(place('identify')),
  people: createPeople(place('people')),
  compare: createCompare(place('compare')),
  model: createModel(place('model')),
};
// Where the warnings about photos are shown.
const WARNED_VIEWS = ['identify', 'model'];
let current = '';

// "#people/Ada" is the view "people" with the rest "/Ada".
function readHash() {
  const [, name = '', rest = ''] = /^#([a-z]*)(.*)$/.exec(location.hash) ?? [];
  if (!(name in views)) return ['identify', ''];
  try {
    decodeURIComponent(rest);
  } catch {
    return [name, ''];
  }
  return [name, rest];
}

// `first`: nobody chose anything yet, so the focus stays where it is.
function route(first) {
  const [name, rest] = readHash();
  const changed = name !== current;
  if (changed && current) views[current].hide();
  current = name;
  place('warnings').hidden = !WARNED_VIEWS.includes(name);
  if (changed && modelInfo()) refreshModel().catch(() => {});  // warnings come with photos
  for (const view of Object.keys(views)) place(view).hidden = view !== name;
  for (const link of document.querySelectorAll('#nav a')) {
    if (link.dataset.view === name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  const title = place(`${name}-title`);
  document.title = `${title.textContent} – Doppel`;
  // Without the service there is nothing to show but what connect() says of it.
  const focused = modelInfo() ? views[name].show(rest) : false;
  if (first || focused) return;
  if (changed) window.scrollTo(0, 0);
  title.focus({preventScroll: true});
}

const serviceError = place('service-error');
// Forgetting a key forgets all that was shown with it, too.
const access = createKeyAccess(place('access'), {given: connect,
                                                 forgotten: () => location.reload()});

async function connect() {
  serviceError.replaceChildren();
  try {
    await refreshModel();
  } catch (error) {
    access(null);
    serviceError.replaceChildren(notice('error', error.message, ' ',
                                        button('Try again', connect, {kind: 'quiet'})));
    return;
  }
  route(true);
}

// The same words stay as they are, or they would be read aloud again.
function showWarnings(sentences) {
  const region = place('warnings');
  const texts = sentences.map((sentence) => `${sentence}.`);
  if ([...region.children].map((child) => child.textContent).join() === texts.join()) return;
  region.replaceChildren(...texts.map((text) => notice('warn', text)));
}

watchModel((info) => {
  access(info);
  showWarnings(info.warnings ?? []);
  place('foot').replaceChildren(
    `${countOf(info.people)} in the gallery · `,
    info.photos ? 'the photos of enrolled people are kept' : 'templates are kept, not photos',
    ` · Doppel ${info.version}`);
});

place('skip').addEventListener('click', (event) => {
  event.preventDefault();  // the hash names the view
  place('main').focus();
});
window.addEventListener('hashchange', () => route(false));
refuseStrayDrops();
route(true);
connect();
