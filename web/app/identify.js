// The view "Identify": who is before the camera, or on photos.
import {identify, syntheticPicture, listPeople} from './api.js';
import {createConfirmation} from './confirm_face.js';
import {button, el, notice, say} from './dom.js';
import {createFaceAnswer, explainRule, namesOf} from './face_answer.js';
import {plural, withoutFile} from './format.js';
import {createIdentifyCamera} from './identify_camera.js';
import {followRule, forbidden, modelInfo, watchModel} from './model_info.js';
import {createPhotoWithBoxes} from './photo_boxes.js';
import {createPhotoInput, listenForPaste, picture, PictureUrls} from './photo_input.js';
import {createWelcome} from './welcome.js';

const TOP = 3;
const AT_ONCE = 2;  // photos that are asked about at the same time

const calm = matchMedia('(prefers-reduced-motion: reduce)');

export function createIdentify(section) {
  const urls = new PictureUrls();
  const camera = createIdentifyCamera({keep: keepFrame});
  let generation = 0;  // of photos: an answer to earlier ones is not shown any more
  let stopPaste = () => {};
  let active = false;

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

  // Gives the forms by which a person says who the faces were; changed() is told of it.
  function drawAnswer({body, place, url, photo}, faces, rule, changed) {
    if (rule) {
      followRule(rule);
      ruleText.textContent = explainRule(rule);
    }
    place.replaceWith(createPhotoWithBoxes(url, photo.file, faces));
    const many = faces.length > 1;
    const confirmations = [];
    body.replaceChildren(heading(photo), ...faces.map((face, i) => {
      const answer = createFaceAnswer(face, rule, many ? i + 1 : 0);
      if (!forbidden() && mayBeConfirmed(face)) {
        const confirmation = createConfirmation(face, photo, many ? i + 1 : 0, changed);
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

  // The camera's frames go by too fast to be chosen from: one of a visit stays as a photo.
  function keepFrame(photo, face, rule, changed) {
    const [card] = layOut([photo]);
    drawAnswer(card, [face], rule, changed)[0]?.open();
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
    camera.card,
    el('div', {class: 'column'}, camera.view,
       el('div', {class: 'card'}, el('h2', {}, 'Photos'), input.element)));
  section.append(welcome.element, tryIt, work, status, answers);

  watchModel((info) => welcome.update(info));

  return {
    show() {
      active = true;
      stopPaste = listenForPaste(ask);
      offerSynthetic();
    },
    hide() {
      active = false;
      stopPaste();
      camera.stop();
    },
  };
}
