// Short messages at the foot of the page that go away by themselves, with at most one action.
import {button, el} from './dom.js';

const SECONDS = 10;

// Stays while it is pointed at or holds the focus, so that nobody has to hurry.
export function toast(text, {action, click, seconds = SECONDS} = {}) {
  let left = 1000 * seconds, since = 0, timer = 0;
  const close = () => {
    clearTimeout(timer);
    box.remove();
  };
  const run = () => {
    since = performance.now();
    timer = setTimeout(close, left);
  };
  const hold = () => {
    clearTimeout(timer);
    left = Math.max(2000, left - (performance.now() - since));
  };
  const box = el('div', {
    class: 'toast',
    on: {mouseenter: hold, mouseleave: run, focusin: hold, focusout: run},
  }, el('p', {}, text),
  action ? button(action, () => {
    close();
    click();
  }, {kind: 'quiet'}) : null,
  button('Close', close, {kind: 'quiet icon-only', icon: 'close', 'aria-label': 'Close message'}));
  document.getElementById('toasts').append(box);
  run();
  return close;
}
