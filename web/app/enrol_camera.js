// The camera of the enrolment: takes five good pictures of a person by itself, or one at a press.
import {lookAtFaces} from './api.js';
import {Camera, cameraProblem} from './camera.js';
import {button, el, notice, say} from './dom.js';
import {cutFace} from './face_crop.js';
import {adviceForFrame, pauseOf, WANTED} from './good_frames.js';
import {guideAspect} from './model_info.js';

const PATIENCE = 30_000;  // milliseconds from one good picture to the next; then it gives up
const BUSY_PAUSE = 2000;  // milliseconds
const THUMB_MARGIN = 0.35;
const COUNTS = ['no', 'one', 'two', 'three', 'four', 'five'];

const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

// `kept()`: the pictures that are there, to be enrolled; `add(photo)` gets one more: {blob, file,
// box, thumb}; `complete()` is called when there are five.
export function createEnrolCamera({kept, add, complete}) {
  const camera = new Camera({aspect: guideAspect, label: 'live picture to take photos of',
                             idle: 'Take five pictures of a person: with five, far fewer are ' +
                                   'missed than with one.'});
  let round = 0;      // of collecting; a stopped one must not go on with the next
  let collecting = false;
  let taken = 0;      // names the files

  const problem = el('div');
  const start = button('Start camera', startCamera, {icon: 'camera'});
  const several = button('', () => (collecting ? stop('Stopped.') : collect()),
                         {kind: 'primary', icon: 'camera', hidden: true});
  const one = button('Take picture', takeOne, {hidden: true});
  const progress = el('progress', {max: WANTED, value: 0, 'aria-label': 'pictures taken',
                                   hidden: true});
  const status = el('p', {class: 'taken', role: 'status', 'aria-live': 'polite'});
  const element = el('div', {class: 'part', hidden: true}, camera.element,
    el('div', {class: 'actions'}, start, several, one), progress, status, problem);

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
    refresh();
    (several.hidden ? one : several).focus();
  }

  const missing = () => Math.max(0, WANTED - kept().length);
  const counted = (advice) => `${kept().length} of ${WANTED} photos. ${advice}`.trim();

  function refresh() {
    const left = missing();
    start.hidden = camera.running;
    one.hidden = !camera.running || collecting;
    several.hidden = !camera.running || (!collecting && left === 0);
    several.querySelector('span').textContent = collecting ? 'Stop'
        : left === WANTED ? 'Take five pictures' : `Take ${COUNTS[left]} more`;
    progress.value = kept().length;
    progress.hidden = !camera.running || (!kept().length && !collecting);
    if (status.textContent && !collecting) say(status, kept().length ? counted('') : '');
  }

  const nextFile = () => `camera ${++taken}.jpg`;

  async function takeOne() {
    const photo = await camera.grab();
    if (!photo) return;
    problem.replaceChildren();
    add({blob: photo.blob, file: nextFile(), box: null, thumb: photo.blob});
    refresh();
    say(status, counted('Type a name, then enrol.'));
  }

  // One frame at a time, until there are five good ones.
  async function collect() {
    const mine = ++round;
    collecting = true;
    problem.replaceChildren();
    refresh();
    say(status, counted('Look into the camera.'));
    follow(mine).catch((error) => {
      if (mine !== round) return;
      stop('');
      problem.replaceChildren(notice('error', error.message));
    });
  }

  async function follow(mine) {
    const aligns = guideAspect() === null;
    let since = performance.now(), advice = '';
    while (mine === round && missing() > 0) {
      const begun = performance.now();
      const photo = await camera.grab();
      if (photo && mine === round) {
        const faces = await look(photo);
        if (mine !== round) return;
        advice = faces ? adviceForFrame(faces, boxes(), aligns) : 'The service is busy.';
        if (!advice) {
          const [{box}] = faces;
          const thumb = aligns ? (await cutFace(photo, box, THUMB_MARGIN)).blob : photo.blob;
          if (mine !== round) return;
          add({blob: photo.blob, file: nextFile(), box: aligns ? box : null, thumb});
          since = begun;
          refresh();
        }
        camera.show((faces ?? []).map((face) => ({
          box: face.box, known: !advice, label: `${kept().length} of ${WANTED}`,
        })), photo);
        if (missing() > 0) say(status, counted(advice));
        if (!faces) await pause(BUSY_PAUSE);
      }
      if (performance.now() - since > PATIENCE) {
        stop(`${advice} Enrol what there is, or try again.`.trim());
        return;
      }
      await pause(Math.max(0, pauseOf(aligns) - (performance.now() - begun)));
    }
    if (mine !== round) return;
    const focused = element.contains(document.activeElement);
    stop('Type a name, then enrol.');
    if (focused) complete();
  }

  const boxes = () => kept().map((photo) => photo.box).filter(Boolean);

  // The faces of a frame; nothing where the service has too much to do.
  async function look(photo) {
    try {
      const [{faces = []}] = (await lookAtFaces([photo])).photos;
      return faces;
    } catch (error) {
      if (error.status !== 503 && error.status !== 429) throw error;
      return null;
    }
  }

  function stop(words) {
    ++round;
    collecting = false;
    camera.show([]);
    refresh();
    say(status, words ? counted(words) : '');
  }

  function stopCamera() {
    ++round;
    collecting = false;
    camera.stop();
    status.textContent = '';
    refresh();
  }

  return {
    element,
    refresh,
    stop: stopCamera,
    clear() {
      stopCamera();
      taken = 0;
      problem.replaceChildren();
    },
    // What was taken is being enrolled, or was.
    pause() {
      if (collecting) stop('');
      status.textContent = '';
    },
  };
}
