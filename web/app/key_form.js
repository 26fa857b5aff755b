// Asks for the service's key, shows that there is one, and forgets it.
import {onKeyNeeded, storeKey, storedKey} from './api.js';
import {button, el, field, notice} from './dom.js';

let asking = null;  // one form for however many requests were refused

function askForKey(wrong) {
  asking ??= new Promise((resolve) => {
    const input = el('input', {
      type: 'password', autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none',
      required: true, name: 'key',
    });
    const show = el('button', {
      type: 'button', class: 'button secondary', 'aria-pressed': 'false',
      on: {click: () => {
        const visible = input.type === 'password';
        input.type = visible ? 'text' : 'password';
        show.setAttribute('aria-pressed', visible);
        show.textContent = visible ? 'Hide' : 'Show';
        show.setAttribute('aria-label', visible ? 'Hide the key' : 'Show the key');
      }},
      'aria-label': 'Show the key',
    }, 'Show');
    const label = field('Key', input,
        'It is kept in this tab alone, until you close it or forget it.');
    const row = el('div', {class: 'with-button'});
    input.replaceWith(row);
    row.append(input, show);
    let given = false;
    const dialog = el('dialog', {class: 'dialog', 'aria-labelledby': 'key-title'},
      el('form', {
        method: 'dialog', on: {submit: (event) => {
          event.preventDefault();
          const key = input.value.trim();
          if (!key) return;
          storeKey(key);
          given = true;
          dialog.close();
        }},
      },
      el('h2', {id: 'key-title'}, 'This service asks for a key'),
      el('p', {}, 'Whoever runs it can make one with ', el('code', {}, 'doppel key add'), '.'),
      wrong ? notice('error', 'The key was not accepted. See that it is complete.') : null,
      label,
      el('div', {class: 'actions end'},
         button('Cancel', () => dialog.close(), {kind: 'quiet'}),
         el('button', {type: 'submit', class: 'button primary'}, 'Use this key'))));
    dialog.addEventListener('close', () => {
      dialog.remove();
      asking = null;
      resolve(given);
    });
    document.body.append(dialog);
    dialog.showModal();
    input.focus();
  });
  return asking;
}

// The place in the header: nothing without keys, else what is known of ours. `given` and
// `forgotten` are called when that happens here.
export function createKeyAccess(place, {given, forgotten}) {
  onKeyNeeded(askForKey);
  const forget = button('Forget key', () => {
    storeKey(null);
    forgotten();
  }, {kind: 'quiet', icon: 'key'});
  const enter = button('Enter key', async () => {
    if (await askForKey(false)) given();
  }, {kind: 'quiet', icon: 'key'});
  return (info) => {
    const role = info?.keys && info.role === 'recognise'
        ? el('span', {class: 'chip', title: 'What this key may do'}, 'recognise only') : null;
    place.replaceChildren(...[role, info ? null : enter, storedKey() ? forget : null]
        .filter(Boolean));
  };
}
