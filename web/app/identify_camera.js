// The camera of the view "Identify": who is before it, decided once per visit.
import {lookAtFaces} from './api.js';
import {Camera, cameraProblem} from './camera.js';
import {button, el, notice, say} from './dom.js';
import {createFaceAnswer, labelOf, namesOf} from './face_answer.js';
import {cutFaceAlone} from './face_crop.js';
import {plural} from './format.js';
import {largestOf, LiveVisit, WANTED} from './live_visit.js';
import {followRule, forbidden, guideAspect, watchModel} from './model_info.js';

const FRAME_WIDTH = 640;
const FRAME_PAUSE = 300;   // milliseconds from one frame to the next at least
const FOLLOW_PAUSE = 500;  // the same once a visit is decided: is the person still there?
const BUSY_PAUSE = 2000;   // milliseconds

const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

const shown = () => document.visibilityState === 'visible' ? Promise.resolve()
    : new Promise((resolve) => {
      document.addEventListener('visibilitychange', resolve, {once: true});
    });

// `keep(photo, face, rule, changed)` gets a frame of a visit, of which a person will say who it is;
// it calls changed() when the gallery has learned that, or has forgotten it again.
export function createIdentifyCamera({keep}) {
  const camera = new Camera({
    aspect: guideAspect, label: 'live picture of the camera',
    idle: 'Look into the camera, and see whom it takes you for.',
  });
  let following = 0;  // of loops over the camera: a stopped one must not go on with the next
  let live = null;    // the LiveVisit of the loop that goes on
  let drawn = null;   // its decision that is shown

  const inView = el('div', {class: 'in-view'});
  // Read aloud once per visit: how far the page is, which changes with each frame, is not said here.
  const person = el('p', {class: 'unseen', role: 'status', 'aria-live': 'polite'});
  const progress = el('p', {class: 'hint'});
  const keepError = el('div');
  const keepPart = el('div', {class: 'keep', hidden: true},
    el('div', {class: 'actions'}, button('Say who this was', keepFrame, {icon: 'image'})),
    keepError);
  const view = el('section', {class: 'card', hidden: true, 'aria-labelledby': 'in-view-title'},
    el('h2', {id: 'in-view-title'}, 'In view'), person, inView, progress, keepPart);
  const problem = el('div');
  const hint = el('p', {class: 'hint'});
  const start = button('Start camera', () => startCamera(), {kind: 'primary', icon: 'camera'});
  const stop = button('Stop camera', () => {
    stopCamera();
    start.focus();
  }, {icon: 'stop', hidden: true});
  const card = el('div', {class: 'card camera-card'}, el('h2', {}, 'Camera'), camera.element,
    el('div', {class: 'actions'}, start, stop), problem, hint);

  camera.onproblem = (error) => {
    stopCamera();
    problem.replaceChildren(notice('error', cameraProblem(error)));
  };

  async function startCamera() {
    problem.replaceChildren();
    try {
      await camera.start();
    } catch (error) {
      problem.replaceChildren(notice('error', cameraProblem(error)));
      return;
    }
    if (!camera.running) return;
    const focused = document.activeElement === start || document.activeElement === document.body;
    start.hidden = true;
    stop.hidden = false;
    view.hidden = false;
    if (focused) stop.focus();
    follow();
  }

  function stopCamera() {
    ++following;
    camera.stop();
    start.hidden = false;
    stop.hidden = true;
    view.hidden = true;
    live = null;
    drawVisit(null);
    progress.textContent = '';
  }

  // One frame at a time: the next is taken when the answer to the last is in.
  async function follow() {
    const mine = ++following;
    const visit = live = new LiveVisit();
    while (mine === following) {
      await shown();
      const begun = performance.now();
      const photo = await camera.grab(FRAME_WIDTH);
      if (photo && mine === following) {
        try {
          const [{faces = [], error}] = (await lookAtFaces([photo])).photos;
          if (mine !== following) return;
          await visit.see({photo, faces, at: begun});
          if (mine !== following) return;
          problem.replaceChildren();
          draw(photo, faces, error);
        } catch (error) {
          if (mine !== following) return;
          const busy = error.status === 503 || error.status === 429;
          if (!busy) stopCamera();
          problem.replaceChildren(notice('error', busy
              ? 'The service is busy; the next picture is tried in a moment.' : error.message));
          if (!busy) return;
          await pause(BUSY_PAUSE);
        }
      }
      const least = visit.decided ? FOLLOW_PAUSE : FRAME_PAUSE;
      await pause(Math.max(0, least - (performance.now() - begun)));
    }
  }

  // Each frame's faces get boxes; the name stands at the face that the visit is of.
  function draw(photo, faces, error) {
    const {decided, here, frames} = live;
    if (decided !== drawn) drawVisit(decided);
    const count = `${frames.length} of ${WANTED}`;
    const label = decided ? here && labelOf(decided.visit, decided.rule) : count;
    const main = faces.length ? largestOf(faces) : null;
    camera.show(faces.map((face) => ({
      box: face.box, known: face === main && here && decided.visit.known,
      label: face === main ? label : '',
    })), photo);
    const said = decided
        ? `Decided once for this visit, from ${plural(decided.visit.photos, 'picture', 'pictures')}.`
        : frames.length ? `Looking … ${count}` : error?.message ?? 'No face in view.';
    const others = faces.length > 1 ? ' Several faces are in view: the largest one counts.' : '';
    say(progress, said + others);
    progress.classList.toggle('busy', !decided && frames.length > 0);
  }

  // What stays until the visit is over.
  function drawVisit(decided) {
    drawn = decided;
    keepError.replaceChildren();
    keepPart.hidden = !decided || Boolean(forbidden()) || !decided.visit.candidates.length;
    say(person, decided ? namesOf([decided.visit]) : '');
    inView.replaceChildren();
    if (!decided) return;
    followRule(decided.rule);
    inView.append(createFaceAnswer(decided.visit, decided.rule, 0));
  }

  async function keepFrame() {
    if (!drawn) return;
    const {visit, rule, frame: {photo, faces}} = drawn;
    const mine = live, decided = drawn;
    const {box} = largestOf(faces);
    keepError.replaceChildren();
    try {
      const part = faces.length > 1 ? await cutFaceAlone(photo, box) : {...photo, at: box};
      keep(part, {...visit, box: part.at}, rule, () => mine.forget(decided));
    } catch (error) {
      keepError.replaceChildren(notice('error', error.message));
    }
  }

  watchModel((info) => {
    hint.textContent = (info.input.align
        ? 'Faces are found wherever they are in the picture. '
        : 'This model takes a whole picture as one face: fill the dashed frame with yours. ') +
        'Pictures go to this service only, which does not keep them.';
  });

  return {
    card,
    view,
    get running() {
      return camera.running;
    },
    stop() {
      stopCamera();
      problem.replaceChildren();
    },
  };
}
