// One face cut out of a photo, with a margin around it, as a photo of its own.
import {lookAtFaces} from './api.js';
import {QUALITY} from './camera.js';
import {el} from './dom.js';

// On each side, in sizes of the face: a detector needs some of what is around it.
const MARGINS = [0.6, 0.3];

// `box` is [left, top, width, height] in pixels of the photo; `at` is where that is on the part.
export async function cutFace(photo, box, margin) {
  const image = await createImageBitmap(photo.blob);
  const [left, top, width, height] = box;
  const around = margin * Math.max(width, height);
  const x = Math.max(0, Math.floor(left - around)), y = Math.max(0, Math.floor(top - around));
  const wide = Math.min(image.width, Math.ceil(left + width + around)) - x;
  const tall = Math.min(image.height, Math.ceil(top + height + around)) - y;
  const canvas = el('canvas', {width: wide, height: tall});
  canvas.getContext('2d').drawImage(image, x, y, wide, tall, 0, 0, wide, tall);
  image.close();
  const blob = await new Promise((resolve) => { canvas.toBlob(resolve, 'image/jpeg', QUALITY); });
  return {blob, file: photo.file, at: [left - x, top - y, width, height]};
}

const holds = ([left, top, width, height], x, y) =>
  x >= left && x <= left + width && y >= top && y <= top + height;

// A part of the photo on which the service finds this face and no other.
export async function cutFaceAlone(photo, box) {
  for (const margin of MARGINS) {
    let part;
    try {
      part = await cutFace(photo, box, margin);
    } catch {
      throw new Error('The browser cannot open this photo to cut the face out. Cut it, then ' +
                      'enrol it in “People”.');
    }
    const [{faces = []}] = (await lookAtFaces([part])).photos;
    const [left, top, width, height] = part.at;
    if (faces.length === 1 && holds(faces[0].box, left + width / 2, top + height / 2)) return part;
  }
  throw new Error('This face cannot be cut out by itself: others are too near. Cut the photo, ' +
                  'then enrol it in “People”.');
}
