// What a threshold costs, from what a model stores of its calibration: pure functions of the FAR
// curve {resolved, points: [[far, distance, lower, upper], ..]} and of genuine distances' quantiles
// at evenly spaced levels 0 .. 1. Rates are 0 .. 1; somebody is accepted below the threshold.

const FAR = 0, DISTANCE = 1;

// Between points ln(FAR) is linear in the distance; outside, the nearest point counts, as in
// model/far_curve.h.
export function farAt(curve, distance) {
  const {points} = curve;
  if (distance <= points[0][DISTANCE]) return points[0][FAR];
  for (let i = 1; i < points.length; ++i) {
    const [left, right] = [points[i - 1], points[i]];
    if (distance > right[DISTANCE]) continue;
    const width = right[DISTANCE] - left[DISTANCE];
    const share = width > 0 ? (distance - left[DISTANCE]) / width : 1;
    return Math.exp(Math.log(left[FAR]) * (1 - share) + Math.log(right[FAR]) * share);
  }
  return points.at(-1)[FAR];
}

// The share of genuine pairs below the distance: the quantiles' inverse, linear between them.
export function tarAt(quantiles, distance) {
  const last = quantiles.length - 1;
  if (last < 0) return null;
  if (distance <= quantiles[0]) return 0;
  if (distance > quantiles[last]) return 1;
  const next = quantiles.findIndex((value) => value >= distance);
  const [left, right] = [quantiles[next - 1], quantiles[next]];
  return (next - 1 + (distance - left) / (right - left)) / last;
}

export function fnrAt(quantiles, distance) {
  const tar = tarAt(quantiles, distance);
  return tar === null ? null : 1 - tar;
}

// 1 - (1 - FAR)^n, exact for rare rates, too: how often a stranger is taken for any of n templates.
export function fpirOf(far, templates) {
  return far >= 1 ? (templates ? 1 : 0) : -Math.expm1(templates * Math.log1p(-far));
}

// Where both errors are equal: {distance, rate}; nothing without genuine distances.
export function equalError(curve, quantiles) {
  if (!quantiles.length) return null;
  let [left, right] = range(curve, quantiles);
  for (let i = 0; i < 60; ++i) {
    const middle = (left + right) / 2;
    if (farAt(curve, middle) < fnrAt(quantiles, middle)) left = middle;
    else right = middle;
  }
  return {distance: left, rate: (farAt(curve, left) + fnrAt(quantiles, left)) / 2};
}

// The distances between which anything happens.
export function range(curve, quantiles) {
  const {points} = curve;
  return [Math.min(points[0][DISTANCE], quantiles[0] ?? Infinity),
          Math.max(points.at(-1)[DISTANCE], quantiles.at(-1) ?? -Infinity)];
}

// The share of pairs in each of `bins` equal bins; `below(d)` is the share below a distance.
export function histogram(below, least, most, bins) {
  const width = (most - least) / bins;
  // What lies at the very ends belongs to the first and the last bin.
  const edges = Array.from({length: bins + 1}, (_, i) =>
      (i === 0 ? 0 : i === bins ? 1 : below(least + i * width)));
  return Array.from({length: bins}, (_, i) => ({
    from: least + i * width, to: least + (i + 1) * width,
    share: Math.max(0, edges[i + 1] - edges[i]),
  }));
}

// {far, tar} from strict to lax thresholds.
export function rocPoints(curve, quantiles, steps = 200) {
  const [least, most] = range(curve, quantiles);
  const distances = [...curve.points.map((point) => point[DISTANCE]), ...quantiles];
  for (let i = 0; i <= steps; ++i) distances.push(least + (most - least) * i / steps);
  return distances.sort((a, b) => a - b)
      .map((d) => ({far: farAt(curve, d), tar: tarAt(quantiles, d)}));
}
