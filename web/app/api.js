// Requests to the service: the key goes along, errors become ApiError with words to act upon, and
// reads are tried once more where the service is only busy. Paths are relative to the page.
import {sentence} from './format.js';

const MOST_WAIT = 10;  // seconds; longer than that nobody looks at a waiting page

export class ApiError extends Error {
  // `plain`: the service's own words, without advice.
  constructor(message, {status = 0, code = status, plain = message} = {}) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.plain = plain;
  }
}

const KEY = 'doppel-key';
let askForKey = () => Promise.resolve(false);

// `ask(wrong)` shows a form and resolves to whether a key was given.
export function onKeyNeeded(ask) {
  askForKey = ask;
}
// Of this tab alone, and only until it is closed.
export const storedKey = () => sessionStorage.getItem(KEY);
export function storeKey(key) {
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
}

const pause = (seconds) => new Promise((resolve) => { setTimeout(resolve, 1000 * seconds); });

// The routes that keep to CompreFace's form answer a missing key with 400 and code 20, a wrong one
// with 404 and code 10.
const refusesKey = (path, error) => error.status === 401 || (path.startsWith('api/v1/') &&
    ((error.status === 400 && error.code === 20) || (error.status === 404 && error.code === 10)));

const ADVICE = {
  403: 'Ask whoever runs the service for a key of the role “admin”.',
  413: 'Take a smaller picture.',
  429: 'Too many requests at once. Wait a moment, then try again.',
  503: 'The service is busy. Wait a moment, then try again.',
  507: 'Ask whoever runs the service to make room.',
};

async function errorOf(response) {
  let message = '', code = response.status;
  try {
    ({message, code} = await response.json());
  } catch {
    // A proxy's page, or nothing at all: the status alone has to do.
  }
  const advice = ADVICE[response.status];
  const said = message ? `${sentence(message.trim()).replace(/[.]$/, '')}.` : '';
  const text = [said, advice].filter(Boolean).join(' ');
  return new ApiError(text || `The service answered ${response.status}.`,
                      {status: response.status, code: code ?? response.status,
                       plain: message || text});
}

function send(method, path, {json, body, type, signal}) {
  const headers = {};
  const key = storedKey();
  if (key) headers['x-api-key'] = key;
  if (json !== undefined) headers['content-type'] = 'application/json';
  if (type) headers['content-type'] = type;
  return fetch(path, {method, headers, signal, cache: 'no-store',
                      body: json !== undefined ? JSON.stringify(json) : body});
}

// `read`: it changes nothing, so that it may be asked again. `as`: json, text or blob.
export async function request(method, path, options = {}) {
  const {as = 'json', read = method === 'GET'} = options;
  let waited = false;
  for (;;) {
    let response;
    try {
      response = await send(method, path, options);
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      throw new ApiError('The service cannot be reached. See that “doppel serve” still runs, ' +
                         'then try again.');
    }
    if (response.ok) return response[as]();
    const error = await errorOf(response);
    if (refusesKey(path, error)) {
      if (await askForKey(Boolean(storedKey()))) continue;
      throw new ApiError('This service answers only to those with a key. Enter one, then try ' +
                         'again.', {status: 401});
    }
    if (read && !waited && (error.status === 503 || error.status === 429)) {
      waited = true;
      const seconds = Number(response.headers.get('retry-after')) || 1;
      await pause(Math.min(seconds, MOST_WAIT));
      continue;
    }
    throw error;
  }
}

function form(name, photos) {
  const data = new FormData();
  photos.forEach(({blob, file}) => data.append(name, blob, file));
  return data;
}

const person = (name) => encodeURIComponent(name);
const compreface = 'api/v1/recognition';

export const getModel = () => request('GET', 'v1/model');
export const putDecision = (decision) => request('PUT', 'v1/decision', {json: decision});

// Photos are {blob, file}. The answer's "photos" has one entry for each.
export const identify = (photos, {top = 3, signal} = {}) =>
  request('POST', `v1/identify?top=${top}&faces=all`,
          {body: form('photo', photos), read: true, signal});
// The photos are one visit: its "visit" is decided once, by the mean of one person's faces.
export const identifyVisit = (photos, {top = 3, signal} = {}) =>
  request('POST', `v1/identify?visit=1&top=${top}`,
          {body: form('photo', photos), read: true, signal});
export const verify = (a, b, signal) => request('POST', 'v1/verify?faces=largest',
  {body: form('photo', [a, b]), read: true, signal});
export const explain = (a, b, signal) => request('POST', 'v1/explain?faces=largest',
  {body: form('photo', [a, b]), read: true, signal});

// `templates`: only those who have just so many pictures.
export function listPeople({search = '', templates, page = 0, size = 50, signal} = {}) {
  const query = new URLSearchParams({page, size});
  if (search) query.set('search', search);
  if (templates !== undefined) query.set('templates', templates);
  return request('GET', `v1/people?${query}`, {signal});
}
export const getPerson = (name) => request('GET', `v1/people/${person(name)}`);
export const exportPerson = (name) =>
  request('GET', `v1/people/${person(name)}/export`, {as: 'text'});
export const importPeople = (text) =>
  request('POST', 'v1/people', {body: text, type: 'application/x-ndjson'});
export const fillWithSynthetic = (n) =>
  request('POST', 'v1/synthetic-people', {json: {people: n}});
export const syntheticPicture = (n) =>
  request('GET', `v1/synthetic-people/${n}`, {as: 'blob'});

// The boxes of the faces on photos, and their quality; nobody is looked for.
export const lookAtFaces = (photos, signal) => request('POST', 'v1/faces',
  {body: form('photo', photos), read: true, signal});
// All photos, or none. The answer's "photos" has one entry for each; those with "added" are new.
export const enrolPhotos = (name, photos) =>
  request('POST', `v1/people/${person(name)}/photos`, {body: form('photo', photos)});
export const enrol = (name, photo) =>
  request('POST', `${compreface}/faces?subject=${person(name)}`, {body: form('file', [photo])});
export const renamePerson = (name, to) =>
  request('PUT', `${compreface}/subjects/${person(name)}`, {json: {subject: to}});
export const removePerson = (name) =>
  request('DELETE', `${compreface}/subjects/${person(name)}`);
export const removeImage = (id) => request('DELETE', `${compreface}/faces/${person(id)}`);
export const storedPhoto = (id) =>
  request('GET', `${compreface}/faces/${person(id)}/img`, {as: 'blob'});
