// Frames of Chart.js, in the colours of the page; they are drawn anew when these change.
import {el, newId} from './dom.js';
import {distance, percent} from './format.js';

const root = document.documentElement;
export const colour = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();

const frames = new Set();

function prepare() {
  const {Chart} = window;
  Chart.defaults.animation = false;
  Chart.defaults.maintainAspectRatio = false;
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 12;
  Chart.defaults.elements.point.radius = 0;
  Chart.defaults.elements.line.borderWidth = 2;
  Chart.defaults.elements.line.borderJoinStyle = 'round';
  Chart.defaults.datasets.scatter.clip = 10;  // what lies on an axis is drawn whole
  Chart.defaults.plugins.legend.labels.boxWidth = 8;
  Chart.defaults.plugins.legend.labels.boxHeight = 8;
  Chart.defaults.plugins.tooltip.intersect = false;
  Chart.defaults.color = colour('faint');
  Chart.defaults.borderColor = colour('line');
}

// `configure()` describes the chart, and is asked again when the colours change. The caption is
// what a screen reader has of it, too.
export function createChart(title, caption, configure) {
  const captionId = newId('caption');
  const canvas = el('canvas', {role: 'img', 'aria-label': title, 'aria-describedby': captionId});
  const plot = el('div', {class: 'plot'}, canvas);
  const frame = {
    element: el('figure', {class: 'chart'}, el('h3', {}, title), plot,
                el('figcaption', {id: captionId}, caption)),
    drawn: null,
    draw() {
      frame.destroy();
      if (!window.Chart) {
        plot.replaceChildren(el('p', {class: 'hint'}, 'The chart cannot be drawn: chart.js did ' +
                                'not load.'));
        return;
      }
      prepare();
      frame.drawn = new window.Chart(canvas, configure());
      frames.add(frame);
    },
    destroy() {
      frame.drawn?.destroy();
      frame.drawn = null;
      frames.delete(frame);
    },
  };
  return frame;
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  [...frames].forEach((frame) => frame.draw());
});

export const rateAxis = (title, more = {}) => ({
  type: 'linear', title: {display: true, text: title},
  ticks: {callback: percent, includeBounds: false}, ...more,
});

// A rate's axis in powers of ten.
export function logAxis(title, least) {
  const from = Math.floor(Math.log10(least));
  const step = from < -5 ? 2 : 1;
  return {
    type: 'logarithmic', min: 10 ** from, max: 1, title: {display: true, text: title},
    afterBuildTicks: (axis) => {
      axis.ticks = [];
      for (let p = 0; p >= from; p -= step) axis.ticks.unshift({value: 10 ** p});
    },
    ticks: {callback: (rate) => `${Number((100 * rate).toPrecision(2))}\u00a0%`,
            autoSkip: false, maxRotation: 0},
  };
}

// A dashed upright line at `value()`: with its name, before what is drawn; without, behind it.
export function uprightLine(value, name = '') {
  const when = name ? 'afterDatasetsDraw' : 'beforeDatasetsDraw';
  return {id: 'upright', [when]({ctx, chartArea: area, scales: {x}}) {
    const at = value();
    const place = x.getPixelForValue(at);
    if (!(place >= area.left - 1 && place <= area.right + 1)) return;
    ctx.save();
    ctx.strokeStyle = colour('threshold');
    ctx.lineWidth = 2;
    ctx.setLineDash([6, 4]);
    ctx.beginPath();
    ctx.moveTo(place, area.top);
    ctx.lineTo(place, area.bottom);
    ctx.stroke();
    if (name) label(ctx, area, place, `${name} ${distance(at)}`);
    ctx.restore();
  }};
}

// Beside the line, on the side where there is room.
function label(ctx, area, place, words) {
  const left = place > (area.left + area.right) / 2;
  ctx.textAlign = left ? 'right' : 'left';
  ctx.textBaseline = 'top';
  ctx.font = `600 12px ${window.Chart.defaults.font.family}`;
  const width = ctx.measureText(words).width + 8;
  ctx.fillStyle = colour('card');
  ctx.fillRect(left ? place - 4 - width : place + 4, area.top, width, 17);
  ctx.fillStyle = colour('threshold');
  ctx.fillText(words, place + (left ? -8 : 8), area.top + 2);
}

export const line = (label, data, name) => ({
  label, data, showLine: true, borderColor: colour(name), backgroundColor: colour(name),
  borderWidth: 2, pointHitRadius: 6,
});

// A histogram's steps, filled.
export const hill = (label, bins, name) => ({
  label, showLine: true, stepped: 'before', fill: 'origin', borderWidth: 1.5, pointHitRadius: 6,
  data: bins.map(({from, share}) => ({x: from, y: share}))
      .concat({x: bins.at(-1).to, y: bins.at(-1).share}),
  borderColor: colour(name), backgroundColor: `${colour(name)}40`,
});
