// Who a face is: the nearest people of the gallery with their scores, beside the threshold. A score is
// a distance, or one that is normalised by the gallery's own people.
import {el} from './dom.js';
import {distance, people, percent, relation} from './format.js';

export const nameOf = (face) => (face.known ? face.name : 'Unknown');

// What stands over a face's box: "Ada  0.31 < 0.71".
export function labelOf(face, rule) {
  const nearest = face.candidates[0];
  const name = face.known ? face.name : 'unknown';
  if (!nearest) return name;
  return `${name}  ${measure(nearest.score, rule)}`;
}

// The same as a sentence for a live region; the distances, which change with each frame, left out.
export function namesOf(faces) {
  if (!faces.length) return 'No face';
  const names = faces.filter((face) => face.known).map((face) => face.name);
  const strangers = faces.length - names.length;
  if (strangers) names.push(strangers === 1 ? 'unknown' : `${strangers} unknown`);
  return names.join(', ');
}

const measure = (value, rule) => {
  const threshold = rule?.threshold;
  return threshold === null || threshold === undefined ? distance(value)
                                                       : relation(value, threshold);
};

function candidate(entry, rule, most) {
  const threshold = rule?.threshold ?? null;
  // Of few people the distance counts, too.
  const near = threshold !== null && entry.score < threshold &&
               entry.distance < (rule.distance ?? Infinity);
  const fill = el('span', {class: 'fill'});
  fill.style.width = `${Math.min(100, Math.max(0, 100 * entry.score / most))}%`;
  const line = threshold === null ? null : el('span', {class: 'limit'});
  if (line) line.style.left = `${Math.min(100, 100 * threshold / most)}%`;
  const rate = entry.fpir ?? null;
  return el('li', {class: near ? 'candidate near' : 'candidate'},
    el('span', {class: 'who', title: entry.name}, entry.name),
    el('span', {class: 'measure'}, measure(entry.score, rule)),
    el('span', {class: 'meter', 'aria-hidden': 'true'}, fill, line),
    el('span', {class: 'rate'}, rate === null ? '' : `FPIR ${percent(rate)}`));
}

// `position` numbers the faces of one photo; nothing where there is only one.
export function createFaceAnswer(face, rule, position) {
  const threshold = rule?.threshold ?? null;
  const scores = face.candidates.map((entry) => entry.score);
  const most = threshold > 0 ? 2 * threshold : Math.max(...scores, 1e-9);
  return el('article', {class: face.known ? 'answer known' : 'answer unknown'},
    el('header', {},
      position ? el('span', {class: 'badge', 'aria-label': `face ${position}`}, position) : null,
      el('h3', {}, nameOf(face)),
      el('span', {class: 'verdict'}, face.known ? 'recognised' : 'not recognised')),
    face.candidates.length
        ? el('ol', {class: 'candidates', 'aria-label': 'nearest people'},
             face.candidates.map((entry) => candidate(entry, rule, most)))
        : el('p', {class: 'hint'}, 'Nobody is enrolled yet to compare with.'));
}

// Said once where answers are shown.
export function explainRule(rule) {
  if (!rule || rule.threshold === null || rule.threshold === undefined) {
    return `Nobody is recognised yet: ${rule?.fault ?? 'there is no threshold'}.`;
  }
  const line = rule.normalised
      ? `Somebody is recognised at a score below ${distance(rule.threshold)}, a distance that is ` +
        `normalised by the gallery's own ${people(rule.people)}.`
      : `Somebody is recognised at a distance below ${distance(rule.threshold)}.`;
  return `${line} FPIR says how often a stranger would come as near to anybody of this gallery.`;
}
