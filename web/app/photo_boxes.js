// A photo with a box over each face of an answer.
import {el} from './dom.js';
import {picture} from './photo_input.js';
import {nameOf} from './face_answer.js';

// Boxes are in pixels of the photo; they are placed in per cent, so that they follow its size.
export function createPhotoWithBoxes(url, file, faces) {
  const names = faces.map(nameOf).join(', ');
  const image = picture(url, faces.length ? `${file}: ${names}` : `${file}: no face found`);
  const frame = el('div', {class: 'photo'}, image);
  image.addEventListener('load', () => {
    const {naturalWidth: width, naturalHeight: height} = image;
    faces.forEach((face, i) => {
      const [left, top, wide, tall] = face.box;
      const box = el('div', {class: face.known ? 'box known' : 'box', 'aria-hidden': 'true'},
          faces.length > 1 ? el('span', {class: 'badge'}, i + 1) : null,
          faces.length > 1 ? null : el('span', {class: 'label'}, nameOf(face)));
      box.style.left = `${100 * left / width}%`;
      box.style.top = `${100 * top / height}%`;
      box.style.width = `${100 * wide / width}%`;
      box.style.height = `${100 * tall / height}%`;
      frame.append(box);
    });
  }, {once: true});
  return frame;
}
