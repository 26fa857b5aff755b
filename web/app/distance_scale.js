// One distance on an axis, with the threshold that parts "same person" from "different people".
import {el} from './dom.js';
import {distance as text} from './format.js';

// 1, 2 or 5 times a power of ten, so that about `count` steps make `most`.
function niceStep(most, count) {
  const rough = most / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
}

function placed(element, share) {
  element.style.left = `${Math.min(100, 100 * share)}%`;
  return element;
}

// `most` is where the axis ends at least; threshold may be null.
export function createDistanceScale({distance, threshold, most = 0}) {
  const step = niceStep(Math.max(most, 1.15 * distance, 1.5 * (threshold ?? 0), 1e-6), 5);
  const end = step * Math.ceil(Math.max(most, 1.15 * distance, 1.5 * (threshold ?? 0)) / step);
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  const ticks = [];
  for (let i = 0; i * step <= end * 1.0001; ++i) {
    ticks.push(placed(el('span', {class: 'tick'}, (i * step).toFixed(digits)), i * step / end));
  }
  const track = el('div', {class: 'track'});
  if (threshold !== null) {
    const same = el('span', {class: 'zone same'});
    same.style.width = `${100 * threshold / end}%`;
    const limit = placed(el('span', {class: 'limit'},
        el('span', {class: 'name'}, `threshold ${text(threshold)}`)), threshold / end);
    if (threshold / end > 0.6) limit.classList.add('to-left');
    track.append(same, limit);
  }
  const value = placed(el('span', {class: 'value'}, el('span', {class: 'name'}, text(distance))),
                       distance / end);
  if (distance / end < 0.05) value.classList.add('first');
  if (distance / end > 0.95) value.classList.add('last');
  track.append(value);
  const side = threshold === null ? '' : distance < threshold
      ? ', below the threshold of ' : ', not below the threshold of ';
  return el('div', {
    class: threshold === null ? 'scale' : distance < threshold ? 'scale near' : 'scale far',
    role: 'img',
    'aria-label': `Distance ${text(distance)}` +
        (threshold === null ? '' : `${side}${text(threshold)}`) +
        `, on a scale from 0 to ${end.toFixed(digits)}`,
  }, track, el('div', {class: 'ticks'}, ticks),
  el('div', {class: 'ends'}, el('span', {}, 'alike'), el('span', {}, 'different')));
}
