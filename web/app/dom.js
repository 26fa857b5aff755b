// Builds elements. Whatever comes from outside goes in as text: this page never parses markup.

const SVG = 'http://www.w3.org/2000/svg';

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) {
        element.addEventListener(event, listener);
      }
    } else {
      element.setAttribute(name, value === true ? '' : value);
    }
  }
  element.append(...children.flat(Infinity)
      .filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// An element with attributes, listeners under `on`, and children; strings become text.
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

const ICONS = {
  camera: ['M4 8.5A1.5 1.5 0 0 1 5.5 7h2L9 5h6l1.5 2h2A1.5 1.5 0 0 1 20 8.5v9A1.5 1.5' +
           ' 0 0 1 18.5 19h-13A1.5 1.5 0 0 1 4 17.5z', 'M15.5 13a3.5 3.5 0 1 1-7 0 3.5' +
           ' 3.5 0 0 1 7 0z'],
  stop: ['M7 7h10v10H7z'],
  image: ['M4.5 5h15v14h-15z', 'm5 17 4.5-5 3.5 3.5 2.5-2.5 4 4', 'M15.5 9.5h.01'],
  plus: ['M12 5v14', 'M5 12h14'],
  pencil: ['M5 19l1-4L16 5l3 3L9 18z', 'M14 7l3 3'],
  bin: ['M5 7h14', 'M10 7V5h4v2', 'm6.5 7 .8 12h9.4l.8-12', 'M10.3 10.5v5.5',
        'M13.7 10.5v5.5'],
  save: ['M12 4v11', 'm7.5 10.5 4.5 4.5 4.5-4.5', 'M5 19h14'],
  search: ['M16 10.5a5.5 5.5 0 1 1-11 0 5.5 5.5 0 0 1 11 0z', 'm14.7 14.7 4.8 4.8'],
  left: ['m14.5 6-6 6 6 6'],
  right: ['m9.5 6 6 6-6 6'],
  close: ['m6.5 6.5 11 11', 'm17.5 6.5-11 11'],
  tick: ['m5 12.5 4.5 4.5L19 7.5'],
  warning: ['M12 4.5 3.5 19h17z', 'M12 10v4.5', 'M12 16.8h.01'],
  key: ['M12.5 11.5a4 4 0 1 1-8 0 4 4 0 0 1 8 0z', 'M12.5 11.5H20v3', 'M16.5 11.5v2.5'],
  swap: ['M5 9h13', 'm15 6 3 3-3 3', 'M19 15H6', 'm9 12-3 3 3 3'],
};

export function icon(name) {
  return svg('svg', {class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true'},
             ICONS[name].map((d) => svg('path', {d})));
}

// A button; `kind` is one of primary, secondary, quiet, danger. Where click() returns a promise,
// the button is busy until then: disabled it would lose the focus of whoever pressed its key.
export function button(label, click, {kind = 'secondary', icon: name, ...attributes} = {}) {
  const element = el('button', {
    type: 'button', class: `button ${kind}`, on: {click: async (event) => {
      if (isBusy(element)) return;
      const done = click(event);
      if (!(done instanceof Promise)) return;
      setBusy(element, true);
      try {
        await done;
      } finally {
        setBusy(element, false);
      }
    }}, ...attributes,
  }, name ? icon(name) : null, el('span', {}, label));
  return element;
}

export const isBusy = (control) => control.getAttribute('aria-disabled') === 'true';
export function setBusy(control, busy) {
  if (busy) control.setAttribute('aria-disabled', 'true');
  else control.removeAttribute('aria-disabled');
}

// What went wrong or should be known, beside the control it concerns; role=alert reads it aloud.
export function notice(kind, ...content) {
  return el('div', {class: `notice ${kind}`, role: kind === 'error' ? 'alert' : undefined},
            kind === 'error' ? icon('warning') : null, el('div', {}, content));
}

// A live region's text is replaced only when it differs: the same words are not read twice.
export function say(region, text) {
  if (region.textContent !== text) region.textContent = text;
}

// Disables a control and says why, for everybody: title, and a description for screen readers.
export function forbid(control, why) {
  control.disabled = Boolean(why);
  if (why) {
    control.title = why;
    control.setAttribute('aria-description', why);
  } else {
    control.removeAttribute('title');
    control.removeAttribute('aria-description');
  }
}

let ids = 0;
export const newId = (word) => `${word}-${++ids}`;

export function field(label, input, hint) {
  if (!input.id) input.id = newId('field');
  const note = hint ? el('p', {class: 'hint', id: `${input.id}-hint`}, hint) : null;
  if (note) input.setAttribute('aria-describedby', note.id);
  return el('div', {class: 'field'}, el('label', {for: input.id}, label), input, note);
}
