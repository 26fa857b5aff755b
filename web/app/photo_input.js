// Takes photos in: chosen, dropped or pasted. A photo is {blob, file}.
import {el, icon, newId} from './dom.js';

// What the service reads. Others are sent, too: it says best what is wrong with them.
const ACCEPT = 'image/jpeg,image/png,image/webp,.pgm,.ppm';

const photosOf = (files) => [...files].map((blob) => ({blob, file: blob.name || 'photo'}));

// `onPhotos(photos)` gets at least one. `compact` is a button without the field around it.
export function createPhotoInput({label, hint, multiple = false, onPhotos}) {
  const id = newId('photos');
  const input = el('input', {
    type: 'file', id, accept: ACCEPT, multiple, class: 'unseen',
    on: {change: () => {
      const photos = photosOf(input.files);
      input.value = '';  // the same file may be chosen again
      if (photos.length) onPhotos(photos);
    }},
  });
  const element = el('div', {class: 'drop'}, input,
    icon('image'),
    el('label', {for: id, class: 'button secondary'}, el('span', {}, label)),
    hint ? el('p', {class: 'hint'}, hint) : null);
  acceptDrops(element, (photos) => onPhotos(multiple ? photos : photos.slice(0, 1)));
  return {element, input};
}

export function acceptDrops(element, onPhotos) {
  let depth = 0;  // dragenter and dragleave come for every child, too
  const over = (change) => {
    depth = Math.max(0, depth + change);
    element.classList.toggle('over', depth > 0);
  };
  element.addEventListener('dragenter', (event) => {
    event.preventDefault();
    over(1);
  });
  element.addEventListener('dragleave', () => over(-1));
  element.addEventListener('dragover', (event) => event.preventDefault());
  element.addEventListener('drop', (event) => {
    event.preventDefault();
    depth = 0;
    over(0);
    const photos = photosOf(event.dataTransfer.files);
    if (photos.length) onPhotos(photos);
  });
}

// Pictures pasted anywhere on the page, until the function that is returned is called.
export function listenForPaste(onPhotos) {
  const listener = (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;  // text goes where it is pasted
    event.preventDefault();
    onPhotos(photosOf(files));
  };
  document.addEventListener('paste', listener);
  return () => document.removeEventListener('paste', listener);
}

// A file that misses every drop field must not replace the page.
export function refuseStrayDrops() {
  for (const kind of ['dragover', 'drop']) {
    document.addEventListener(kind, (event) => {
      if (event.dataTransfer?.types.includes('Files')) event.preventDefault();
    });
  }
}

// Object URLs of pictures, to be revoked together when they are no longer shown.
export class PictureUrls {
  constructor() {
    this.urls_ = new Set();
  }
  of(blob) {
    const url = URL.createObjectURL(blob);
    this.urls_.add(url);
    return url;
  }
  revoke(url) {
    URL.revokeObjectURL(url);
    this.urls_.delete(url);
  }
  revokeAll() {
    this.urls_.forEach((url) => URL.revokeObjectURL(url));
    this.urls_.clear();
  }
}

// A picture, or words where the browser cannot show its format though the service may read it.
export function picture(url, alt) {
  const image = el('img', {src: url, alt});
  image.addEventListener('error', () => {
    image.replaceWith(el('div', {class: 'no-picture'}, icon('image'),
                         el('span', {}, 'No preview of this format')));
  }, {once: true});
  return image;
}
