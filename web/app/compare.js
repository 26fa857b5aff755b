// The view "Compare": whether two photos show one person, and why the model thinks so.
import {explain, verify} from './api.js';
import {Camera, cameraProblem} from './camera.js';
import {button, el, notice, say} from './dom.js';
import {createDistanceScale} from './distance_scale.js';
import {distance, oneIn, percent, sentence} from './format.js';
import {guideAspect, modelInfo} from './model_info.js';
import {createPhotoInput, listenForPaste, picture, PictureUrls} from './photo_input.js';

const curve = () => modelInfo()?.threshold?.curve?.points ?? [];
const rarest = () => curve()[0]?.[0] ?? 0;

// One of the two photos: chosen, dropped, pasted or taken.
function createSlot(title, {changed, cameraStarts}) {
  const urls = new PictureUrls();
  const camera = new Camera({aspect: guideAspect, label: `live picture for the ${title}`,
                             idle: ''});
  const problem = el('div');
  const input = createPhotoInput({
    label: 'Choose a photo', onPhotos: ([photo]) => set(photo),
    hint: 'or drop it here, or paste it.',
  });
  const takeIt = button('Take picture', async () => {
    const photo = await camera.grab();
    if (!photo) return;
    set({blob: photo.blob, file: 'camera.jpg'});
  }, {kind: 'primary', icon: 'camera'});
  const cancel = button('Cancel', () => {
    stopCamera();
    useCamera.focus();
  }, {kind: 'quiet'});
  const useCamera = button('Use the camera', async () => {
    problem.replaceChildren();
    cameraStarts();
    cameraPart.hidden = false;
    input.element.hidden = useCamera.hidden = true;
    try {
      await camera.start();
      takeIt.focus();
    } catch (error) {
      stopCamera();
      problem.replaceChildren(notice('error', cameraProblem(error)));
    }
  }, {icon: 'camera'});
  camera.onproblem = (error) => {
    stopCamera();
    problem.replaceChildren(notice('error', cameraProblem(error)));
  };
  const cameraPart = el('div', {class: 'part', hidden: true}, camera.element,
                        el('div', {class: 'actions'}, takeIt, cancel));
  const shown = el('div', {class: 'chosen', hidden: true});
  const other = button('Another photo', () => {
    clear();
    changed();
    input.input.focus();
  });
  const choice = el('div', {class: 'actions'}, useCamera, other);
  other.hidden = true;

  function stopCamera() {
    camera.stop();
    cameraPart.hidden = true;
    input.element.hidden = useCamera.hidden = slot.photo !== null;
  }

  function clear() {
    urls.revokeAll();
    slot.photo = null;
    shown.hidden = other.hidden = true;
    shown.replaceChildren();
    problem.replaceChildren();
    stopCamera();
  }

  function set(photo) {
    clear();
    slot.photo = photo;
    stopCamera();
    shown.replaceChildren(picture(urls.of(photo.blob), `${title}: ${photo.file}`),
                          el('p', {class: 'file'}, photo.file));
    shown.hidden = other.hidden = false;
    other.focus();
    changed();
  }

  const slot = {
    photo: null, set, clear, stopCamera,
    element: el('div', {class: 'card slot'}, el('h2', {}, title),
                el('div', {class: 'slot-body'}, input.element, cameraPart, shown), choice,
                problem),
  };
  return slot;
}

export function createCompare(section) {
  let stopPaste = () => {};
  let asking = null;  // the comparison that is under way
  // What is shown is drawn anew with each answer; this one stays, so that it is read aloud.
  const spoken = el('p', {class: 'unseen', role: 'status', 'aria-live': 'polite'});
  const result = el('div', {class: 'card comparison', hidden: true});
  const changed = () => compare();
  const slots = [];
  slots.push(createSlot('First photo', {changed, cameraStarts: () => slots[1].stopCamera()}),
             createSlot('Second photo', {changed, cameraStarts: () => slots[0].stopCamera()}));
  section.append(el('div', {class: 'slots'}, slots.map((slot) => slot.element)), spoken, result);

  async function compare() {
    asking?.abort();
    const mine = asking = new AbortController();
    const [a, b] = slots.map((slot) => slot.photo);
    result.hidden = !(a && b);
    say(spoken, '');
    if (!a || !b) return;
    result.replaceChildren(el('p', {class: 'hint busy'}, 'Comparing …'));
    try {
      const answer = await verify(a, b, mine.signal);
      if (mine.signal.aborted) return;
      result.replaceChildren(...answerParts(answer, [a, b], mine.signal));
    } catch (error) {
      if (mine.signal.aborted) return;
      result.replaceChildren(notice('error', error.message,
          error.status === 400 ? ' See that both are JPEG, PNG or WebP pictures of a face.' : '',
          ' ', button('Try again', compare, {kind: 'quiet'})));
    }
  }

  function answerParts(answer, [a, b], signal) {
    const {same} = answer;
    const threshold = answer.threshold ?? null;
    const far = answer.far ?? null;
    const words = same === null ? 'No threshold to decide by'
        : same ? 'The same person' : 'Different people';
    const problem = el('div');
    const heat = el('div', {class: 'heat'});
    const why = button('Show why', async () => {
      problem.replaceChildren();
      heat.replaceChildren(el('p', {class: 'hint busy', role: 'status'},
                              'Hiding one place after the other …'));
      try {
        const explained = await explain(a, b, signal);
        heat.replaceChildren(heatPicture(explained, a, b));
        why.hidden = true;
      } catch (error) {
        if (signal.aborted) return;
        heat.replaceChildren();
        problem.replaceChildren(notice('error', error.message));
      }
    }, {kind: 'secondary'});
    say(spoken, `${words}. Their distance is ${distance(answer.distance)}.`);
    return [
      el('h2', {class: same === null ? 'decision' : same ? 'decision same' : 'decision other'},
         words),
      el('p', {class: 'lead'}, `Their distance is ${distance(answer.distance)}. `,
         far === null ? 'How rare that is among strangers is not known of this model.'
           : `${sentence(oneIn(far, 'pairs of strangers', ['is', 'are'], rarest()))} this alike ` +
             `(FAR\u00a0${percent(far)}).`),
      createDistanceScale({distance: answer.distance, threshold, most: curve().at(-1)?.[1] ?? 0}),
      el('div', {class: 'actions'}, why), problem, heat,
    ];
  }

  function heatPicture(explained, a, b) {
    const image = el('img', {
      src: `data:image/png;base64,${explained.picture}`,
      alt: `${a.file} and ${b.file} side by side, each under a map of heat: blue where hiding a ` +
           'place moves the two apart, orange where it brings them together.',
    });
    return el('figure', {}, image, el('figcaption', {},
      el('span', {class: 'key made-alike'}, 'Blue places make the two alike'),
      ' ', el('span', {class: 'key made-different'}, 'orange places make them different'),
      el('p', {class: 'hint'}, 'A grey patch slid over each photo; the colour says how hiding ' +
         'a place changed the distance.')));
  }

  return {
    show() {
      stopPaste = listenForPaste((photos) => {
        const empty = slots.filter((slot) => !slot.photo);
        // Two at once fill both; one goes to the first that is free, else takes the second's place.
        photos.slice(0, 2).forEach((photo, i) => (empty[i] ?? slots[1]).set(photo));
      });
    },
    hide() {
      stopPaste();
      slots.forEach((slot) => slot.stopCamera());
    },
  };
}
