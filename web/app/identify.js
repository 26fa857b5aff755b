// The view "Identify": who is before the camera, or on photos.
import {identify, syntheticPicture, listPeople} from './api.js';
import {Camera, cameraProblem} from './camera.js';
import {createConfirmation} from './confirm_face.js';
import {button, el, notice, say} from './dom.js';
import {createFaceAnswer, explainRule, labelOf, namesOf} from './face_answer.js';
import {plural, withoutFile} from './format.js';
import {forbidden, guideAspect, modelInfo, refreshModel, updateModel, watchModel}
    from './model_info.js';
import {createPhotoWithBoxes} from './photo_boxes.js';
import {createPhotoInput, listenForPaste, picture, PictureUrls} from './photo_input.js';
import {createWelcome} from './welcome.js';

const TOP = 3;
const FRAME_WIDTH = 640;
const FRAME_PAUSE = 250;  // milliseconds from one frame to the next at least
const BUSY_PAUSE = 2000;  // milliseconds
const AT_ONCE = 2;        // photos that are asked about at the same time

const calm = matchMedia('(prefers-reduced-motion: reduce)');
const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

const shown = () => document.visibilityState === 'visible' ? Promise.resolve()
    : new Promise((resolve) => {
      document.addEventListener('visibilitychange', resolve, {once: true});
    });

export function createIdentify(section) {
  const urls = new PictureUrls();
  const camera = new Camera({
    aspect: guideAspect, label: 'live picture of the camera',
    idle: 'Look into the camera, and see whom it takes you for.',
  });
  let following = 0;   // of loops over the camera: a stopped one must not go on with the next
  let generation = 0;  // of photos: an answer to earlier ones is not shown any more
  let stopPaste = () => {};
  let active = false;

  // ---- Camera ----

  const inView = el('div', {class: 'in-view'});
  const people = el('p', {class: 'unseen', role: 'status', 'aria-live': 'polite'});
  let frame = null;  // the last that was answered: {answer, photo}
  const keep = button('Say who this was', () => keepFrame(), {icon: 'image'});
  const keepPart = el('div', {class: 'actions keep', hidden: true}, keep);
  const live = el('section', {class: 'card', hidden: true, 'aria-labelledby': 'in-view-title'},
    el('h2', {id: 'in-view-title'}, 'In view'), people, inView, keepPart);
  const cameraError = el('div');
  const cameraHint = el('p', {class: 'hint'});
  const start = button('Start camera', () => startCamera(), {kind: 'primary', icon: 'camera'});
  const stop = button('Stop camera', () => {
    stopCamera();
    start.focus();
  }, {icon: 'stop', hidden: true});

  camera.onproblem = (error) => {
    stopCamera();
    cameraError.replaceChildren(notice('error', cameraProblem(error)));
  };

  async function startCamera() {
    cameraError.replaceChildren();
    try {
      await camera.start();
    } catch (error) {
      cameraError.replaceChildren(notice('error', cameraProblem(error)));
      return;
    }
    if (!camera.running) return;
    const focused = document.activeElement === start || document.activeElement === document.body;
    start.hidden = true;
    stop.hidden = false;
    live.hidden = false;
    if (focused) stop.focus();
    follow();
  }

  function stopCamera() {
    ++following;
    camera.stop();
    start.hidden = false;
    stop.hidden = true;
    live.hidden = true;
    inView.replaceChildren();
    people.textContent = '';
    frame = null;
  }

  // One frame at a time: the next is taken when the answer to the last is in.
  async function follow() {
    const mine = ++following;
    while (mine === following) {
      await shown();
      const begun = performance.now();
      const photo = await camera.grab(FRAME_WIDTH);
      if (photo && mine === following) {
        try {
          const answer = await identify([photo], {top: TOP});
          if (mine !== following) return;
          cameraError.replaceChildren();
          showFrame(answer, photo);
        } catch (error) {
          if (mine !== following) return;
          const busy = error.status === 503 || error.status === 429;
          if (!busy) stopCamera();
          cameraError.replaceChildren(notice('error', busy
              ? 'The service is busy; the next picture is tried in a moment.' : error.message));
          if (!busy) return;
          await pause(BUSY_PAUSE);
        }
      }
      await pause(Math.max(0, FRAME_PAUSE - (performance.now() - begun)));
    }
  }

  function showFrame(answer, photo) {
    const [result] = answer.photos;
    const faces = result?.faces ?? [];
    if (answer.rule) updateRule(answer.rule);
    camera.show(faces.map((face) => ({
      box: face.box, known: face.known, label: labelOf(face, answer.rule),
    })), photo);
    say(people, namesOf(faces));
    frame = {answer, photo};
    keepPart.hidden = Boolean(forbidden()) || !faces.some(mayBeConfirmed);
    inView.replaceChildren(...faces.map((face, i) =>
        createFaceAnswer(face, answer.rule, faces.length > 1 ? i + 1 : 0)));
    if (!faces.length) {
      inView.replaceChildren(el('p', {class: 'hint'},
                                result?.error?.message ?? 'No face in view.'));
    }
  }

  // The gallery may have changed elsewhere; the header and the model's view follow.
  function updateRule(rule) {
    const known = modelInfo()?.rule;
    if (known && known.templates !== rule.templates) {
      refreshModel().catch(() => {});  // the header's count only
    } else if (known && known.threshold !== rule.threshold) {
      updateModel({rule});
    }
  }

  // ---- Photos ----

  const input = createPhotoInput({
    label: 'Choose photos', multiple: true, onPhotos: (photos) => ask(photos),
    hint: 'or drop them here, or paste one. JPEG, PNG or WebP.',
  });
  const status = el('p', {class: 'unseen', role: 'status', 'aria-live': 'polite'});
  const results = el('div', {class: 'results'});
  const resultsTitle = el('h2', {id: 'results-title'}, 'Photos');
  const ruleText = el('p', {class: 'hint'});
  const answers = el('section', {class: 'answers', hidden: true,
                                 'aria-labelledby': 'results-title'},
    el('div', {class: 'row'}, resultsTitle,
       button('Clear', () => clear(), {kind: 'quiet', icon: 'close'})),
    ruleText, results);

  function clear() {
    ++generation;
    urls.revokeAll();
    results.replaceChildren();
    answers.hidden = true;
    status.textContent = '';
    input.input.focus();
  }

  // In place of those before: an empty card for each photo, to be filled with its answer.
  function layOut(photos) {
    ++generation;
    urls.revokeAll();
    tryIt.hidden = true;
    answers.hidden = false;
    ruleText.textContent = '';
    resultsTitle.textContent = plural(photos.length, 'photo', 'photos');
    const cards = photos.map((photo) => {
      const url = urls.of(photo.blob);
      const body = el('div', {class: 'body'}, el('p', {class: 'hint busy'}, 'Looking …'));
      const place = el('div', {class: 'photo'}, picture(url, photo.file));
      const card = el('article', {class: 'card result'}, place, body);
      return {card, body, place, url, photo};
    });
    results.replaceChildren(...cards.map(({card}) => card));
    answers.scrollIntoView({block: 'nearest', behavior: calm.matches ? 'auto' : 'smooth'});
    return cards;
  }

  async function ask(photos) {
    const cards = layOut(photos);
    const mine = generation;
    const found = [];
    const queue = [...cards.entries()];
    const worker = async () => {
      for (let next = queue.shift(); next && mine === generation; next = queue.shift()) {
        found[next[0]] = await askOne(next[1], mine);
      }
    };
    await Promise.all(Array.from({length: AT_ONCE}, worker));
    if (mine === generation) say(status, found.join('. '));
  }

  // Each photo by itself: its answer or error comes at it, whatever the others do.
  async function askOne(card, mine) {
    const {body, photo} = card;
    try {
      const answer = await identify([photo], {top: TOP});
      if (mine !== generation) return '';
      const [result] = answer.photos;
      if (result.error) throw new Error(`${withoutFile(result.error.message, photo.file)}.` +
                                         ' Choose a JPEG, PNG or WebP picture.');
      drawAnswer(card, result.faces, answer.rule);
      return `${photo.file}: ${namesOf(result.faces)}`;
    } catch (error) {
      if (mine !== generation) return '';
      body.replaceChildren(heading(photo), notice('error', error.message));
      return '';  // its own alert says it
    }
  }

  const heading = (photo) => el('p', {class: 'file'}, photo.file);
  const mayBeConfirmed = (face) => face.candidates.length > 0;  // else there is nobody to choose

  // Gives the forms by which a person says who the faces were.
  function drawAnswer({body, place, url, photo}, faces, rule) {
    if (rule) {
      updateRule(rule);
      ruleText.textContent = explainRule(rule);
    }
    place.replaceWith(createPhotoWithBoxes(url, photo.file, faces));
    const many = faces.length > 1;
    const confirmations = [];
    body.replaceChildren(heading(photo), ...faces.map((face, i) => {
      const answer = createFaceAnswer(face, rule, many ? i + 1 : 0);
      if (!forbidden() && mayBeConfirmed(face)) {
        const confirmation = createConfirmation(face, photo, many ? i + 1 : 0);
        confirmations.push(confirmation);
        answer.append(confirmation.element);
      }
      return answer;
    }));
    if (!faces.length) {
      body.append(notice('plain', 'No face was found on this photo. Take one that shows it ' +
                         'from the front, well lit.'));
    }
    return confirmations;
  }

  // The camera's frames go by too fast to be chosen from: one of them stays as a photo.
  function keepFrame() {
    if (!frame) return;
    const {answer, photo} = frame;
    const [card] = layOut([photo]);
    const [first, second] = drawAnswer(card, answer.photos[0].faces, answer.rule);
    if (second) first.focus();
    else first?.open();
  }

  // ---- A gallery of drawn people: something to try ----

  const tryError = el('div');
  const tryIt = el('div', {class: 'card try', hidden: true});
  async function offerSynthetic() {
    tryIt.hidden = true;
    if (!modelInfo()?.people || !answers.hidden || camera.running) return;
    const number = 7, name = 'Synthetic 07';
    let listed;
    try {
      listed = await listPeople({search: name, size: 1});
    } catch {
      return;  // an offer only
    }
    if (!active || !answers.hidden || listed.people[0]?.name !== name) return;
    tryError.replaceChildren();
    tryIt.replaceChildren(
      el('div', {}, el('h2', {}, 'Try it'),
         el('p', {}, `The gallery holds synthetic people. Let it look at a picture of one of ` +
                     'them that it has not seen.')),
      el('div', {class: 'actions'},
         button(`A picture of ${name}`, async () => {
           tryError.replaceChildren();
           try {
             const blob = await syntheticPicture(number);
             await ask([{blob, file: `${name}.png`}]);
           } catch (error) {
             tryError.replaceChildren(notice('error', error.message));
           }
         }, {kind: 'primary'})),
      tryError);
    tryIt.hidden = false;
  }

  const welcome = createWelcome({filled: () => offerSynthetic()});
  const work = el('div', {class: 'identify'},
    el('div', {class: 'card camera-card'}, el('h2', {}, 'Camera'), camera.element,
       el('div', {class: 'actions'}, start, stop), cameraError, cameraHint),
    el('div', {class: 'column'}, live,
       el('div', {class: 'card'}, el('h2', {}, 'Photos'), input.element)));
  section.append(welcome.element, tryIt, work, status, answers);

  watchModel((info) => {
    welcome.update(info);
    cameraHint.textContent = (info.input.align
        ? 'Faces are found wherever they are in the picture. '
        : 'This model takes a whole picture as one face: fill the dashed frame with yours. ') +
        'Pictures go to this service only, which does not keep them.';
  });

  return {
    show() {
      active = true;
      stopPaste = listenForPaste(ask);
      offerSynthetic();
    },
    hide() {
      active = false;
      stopPaste();
      stopCamera();
      cameraError.replaceChildren();
    },
  };
}
