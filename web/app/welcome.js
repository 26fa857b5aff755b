// The first visit: what this is, and two ways to get an empty gallery going.
import {fillWithSynthetic} from './api.js';
import {button, el, forbid, icon, notice} from './dom.js';
import {plural} from './format.js';
import {forbidden, refreshModel} from './model_info.js';
import {toast} from './toast.js';

const SYNTHETIC = 20;

// `filled()` is called once the drawn people are in.
export function createWelcome({filled}) {
  const error = el('div');
  const enrol = el('a', {class: 'button primary', href: '#people?enrol'}, icon('plus'),
                   el('span', {}, 'Enrol somebody'));
  const fill = button(`Fill with ${SYNTHETIC} synthetic people`, async () => {
    error.replaceChildren();
    try {
      const done = await fillWithSynthetic(SYNTHETIC);
      toast(`${plural(done.people, 'synthetic person', 'synthetic people')} enrolled.`);
      await refreshModel();
      filled();
    } catch (problem) {
      error.replaceChildren(notice('error', problem.message));
    }
  });
  const why = el('p', {class: 'hint'});
  const step = (number, title, text) => el('li', {},
    el('span', {class: 'step', 'aria-hidden': 'true'}, number),
    el('div', {}, el('h3', {}, title), el('p', {}, text)));
  const element = el('div', {class: 'card welcome', hidden: true},
    el('h2', {}, 'Nobody is enrolled yet'),
    el('p', {class: 'lead'}, 'Doppel says who is on a photo, or that it is nobody it knows. It ' +
      'knows the people of a gallery, and compares faces on its own machine alone.'),
    el('ol', {class: 'steps'},
      step(1, 'Enrol people', 'One photo each is enough; more make it surer.'),
      step(2, 'Show a face', 'By camera, or on photos.'),
      step(3, 'See the distance', 'Below the threshold it is the same person; above it, ' +
           'somebody unknown.')),
    el('div', {class: 'actions'}, enrol, fill), error, why);
  return {
    element,
    update(info) {
      element.hidden = info.people > 0;
      const reason = forbidden(info);
      why.textContent = reason;
      why.hidden = !reason;
      enrol.hidden = Boolean(reason);
      forbid(fill, reason);
    },
  };
}
