// What GET /v1/model said last, for all views; those who watch are told when it changes.
import {getModel} from './api.js';

let current = null;
const watchers = new Set();

export const modelInfo = () => current;

// Calls `watcher(info)` now, where there is something to tell, and upon every change.
export function watchModel(watcher) {
  watchers.add(watcher);
  if (current) watcher(current);
}

export async function refreshModel() {
  current = await getModel();
  watchers.forEach((watcher) => watcher(current));
  return current;
}

// After an answer that brought a newer rule along.
export function updateModel(change) {
  if (!current) return;
  current = {...current, ...change};
  watchers.forEach((watcher) => watcher(current));
}

// After an answer of recognition: the gallery may have changed elsewhere; the header and the model's
// view follow.
export function followRule(rule) {
  const known = current?.rule;
  if (known && known.templates !== rule.templates) {
    refreshModel().catch(() => {});  // the header's count only
  } else if (known && known.threshold !== rule.threshold) {
    updateModel({rule});
  }
}

// Why this key may not change the gallery; nothing where it may.
export function forbidden(info = current) {
  return info?.role === 'recognise'
      ? 'This key may only recognise. Changing the gallery takes a key of the role “admin”.'
      : '';
}

// A guide is drawn over the camera for models that take a whole picture as one face.
export function guideAspect() {
  const input = current?.input;
  return input && !input.align ? input.width / input.height : null;
}
