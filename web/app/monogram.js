// A disc with a person's initials, of a hue of its own, since there may be no photo to show.
import {el} from './dom.js';

export function initials(name) {
  const words = name.match(/[\p{L}\p{N}]+/gu) ?? ['?'];
  const first = [...words[0]][0];
  const last = words.length > 1 ? [...words.at(-1)][0] : '';
  return (first + last).toUpperCase();
}

export function monogram(name, size = '') {
  let hash = 0;
  for (const letter of name) hash = (31 * hash + letter.codePointAt(0)) % 360;
  const disc = el('span', {class: `monogram ${size}`, 'aria-hidden': 'true'}, initials(name));
  disc.style.setProperty('--hue', hash);
  return disc;
}
