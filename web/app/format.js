// Figures, dates and decisions in words, the same everywhere on the page.

export const number = (value) => value.toLocaleString('en-US');
export const plural = (n, one, many) => `${number(n)} ${n === 1 ? one : many}`;
export const people = (n) => plural(n, 'person', 'people');

const PERCENT = '\u00a0%';  // stays with its figure at a line's end

// 0.0317 is "3.2 %", 0.00021 is "0.021 %": two digits that mean something.
export function percent(rate) {
  if (rate === null || rate === undefined) return 'unknown';
  const hundred = 100 * rate;
  if (hundred === 0 || hundred >= 9.95) return Number(hundred.toFixed(1)) + PERCENT;
  if (hundred < 0.9999e-4) return `below 0.0001${PERCENT}`;
  return Number(hundred.toPrecision(2)).toLocaleString('en-US', {maximumFractionDigits: 8}) +
         PERCENT;
}

export const distance = (value, digits = 2) => value.toFixed(digits);

// "0.31 < 0.71". More digits where two would make unequal figures look alike.
export function relation(value, threshold) {
  const sign = value < threshold ? '<' : '≥';
  let digits = 2;
  while (digits < 5 && value !== threshold &&
         distance(value, digits) === distance(threshold, digits)) ++digits;
  return `${distance(value, digits)} ${sign} ${distance(threshold, digits)}`;
}

// "1 in 400 pairs is"; rounded, as the rate is an estimate. `least` is the rarest that is known.
export function oneIn(rate, what, does = ['is', 'are'], least = 0) {
  if (rate < 1e-6) return `fewer than 1 in a million ${what} ${does[1]}`;
  if (rate > 0.6) return `${Math.round(100 * rate)} in 100 ${what} ${does[1]}`;
  const atMost = rate <= least * 1.0001 ? 'at most ' : '';
  return `${atMost}1 in ${number(Number((1 / rate).toPrecision(2)))} ${what} ${does[0]}`;
}

export const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

// An error that the service gave for one file, where the file's name stands beside it already.
export function withoutFile(message, file) {
  const prefix = [`${file}: `, 'file: '].find((start) => message.startsWith(start)) ?? '';
  const short = message.slice(prefix.length);
  return sentence(short).replace(/[.]$/, '');
}

export function date(text) {
  const when = new Date(text);
  if (Number.isNaN(when.getTime())) return 'unknown';
  return when.toLocaleDateString('en-GB', {day: 'numeric', month: 'short', year: 'numeric'});
}

export function dateTime(text) {
  const when = new Date(text);
  if (Number.isNaN(when.getTime())) return 'unknown';
  return `${date(text)}, ${when.toLocaleTimeString('en-GB', {hour: '2-digit', minute: '2-digit'})}`;
}

// "ada_lovelace.jpg" is a picture of "ada lovelace".
export function nameOfFile(file) {
  return file.replace(/\.[^.]*$/, '').replace(/[_\s]+/g, ' ').trim();
}
