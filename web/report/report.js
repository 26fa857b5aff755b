// Draws the report from the JSON document in #data. Names in it come from file names and are not
// trusted: whatever is shown goes in as text, never as markup.
'use strict';
(() => {
const report = JSON.parse(document.getElementById('data').textContent);
const root = document.documentElement;
const page = document.getElementById('page');
const kOnePercent = 1;  // among evaluation.tar_at_far, whose rates are 0.1, 0.01, ..
let shown = 0;      // the group of people whose charts are on the page
let charts = [];    // of Chart.js, to be thrown away when another group is shown
let redraws = [];   // functions that draw one chart anew, for other colours

// ---- Building blocks ----

// An element with attributes and children; strings become text.
function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const colour = (name) => getComputedStyle(root).getPropertyValue('--' + name).trim();
const percent = (rate) => (100 * rate).toFixed(1) + ' %';
const number = (value) => value.toLocaleString('en-US');
const distance = (value) => value.toPrecision(3);
const area = (value) => value.toFixed(4);
const plural = (n, one, many) => `${number(n)} ${n === 1 ? one : many}`;

// The value at a JSON pointer, "/groups/0/evaluation/eer".
const at = (pointer) => pointer.split('/').slice(1).reduce((value, key) => value[key], report);

// A figure of the document; it carries where in the document it stands.
function figure(pointer, format = percent) {
  const value = at(pointer);
  return el('span', {'data-json': pointer}, value === null ? 'none' : format(value));
}

function interval(pointer, format = percent) {
  const [lower, upper] = at(pointer).map(format);
  return el('span', {'data-json': pointer}, `${lower.replace(' %', '')} – ${upper}`);
}

function image(source, name) {
  return el('img', {src: source, alt: name, title: name});
}

function table(head, rows, attributes = {}) {
  const cells = (tag, row) => row.map((cell) => cell instanceof Element && /^T[DH]$/.test(cell.tagName)
      ? cell : el(tag, {}, cell));
  return el('div', {class: 'scroll'}, el('table', attributes,
      el('thead', {}, el('tr', {}, cells('th', head))),
      el('tbody', {}, rows.map((row) => row instanceof Element ? row : el('tr', {}, cells('td', row))))));
}

// ---- Charts ----

// A frame with a title, the chart that configure() describes and a caption. configure() is asked
// again whenever the colours change.
function chart(title, caption, configure, attributes = {}) {
  const canvas = el('canvas', {role: 'img', 'aria-label': title});
  const frame = el('figure', attributes, el('h3', {}, title), el('div', {class: 'plot'}, canvas),
                   el('figcaption', {}, caption));
  redraws.push(() => {
    Chart.defaults.color = colour('faint');
    Chart.defaults.borderColor = colour('line');
    charts.push(new Chart(canvas, configure(canvas)));
  });
  return frame;
}

function drawCharts() {
  charts.forEach((drawn) => drawn.destroy());
  charts = [];
  redraws.forEach((draw) => draw());
}

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

// A rate's axis in powers of ten. A rate of 0 has no place on it: it is drawn at the lower end.
function logAxis(title, least, most = 1) {
  return {
    type: 'logarithmic', min: least, max: most, title: {display: true, text: title},
    afterBuildTicks: (axis) => {
      axis.ticks = [];
      for (let p = Math.round(Math.log10(least)); 10 ** p <= most * 1.0001; ++p) {
        axis.ticks.push({value: 10 ** p});
      }
    },
    ticks: {callback: rateLabel, autoSkip: false, maxRotation: 0},
  };
}
const rateLabel = (rate) => Number((100 * rate).toPrecision(2)) + ' %';
const linearRate = (title, more = {}) => ({
  type: 'linear', max: 1, title: {display: true, text: title},
  ticks: {callback: rateLabel, includeBounds: false}, ...more,
});
// The power of ten below one of `count`.
const floorOf = (count) => 10 ** Math.floor(Math.log10(1 / Math.max(count, 10)));
const raised = (rate, least) => Math.max(rate, least);

// A curve; `faint` for those of other groups behind it.
function line(label, points, name, faint = false) {
  return {label, data: points, showLine: true, borderColor: colour(name),
          backgroundColor: colour(name), borderWidth: faint ? 1 : 2, order: faint ? 3 : 2,
          pointHitRadius: faint ? 0 : 6, faint};
}
// The point of the threshold.
function mark(label, x, y) {
  return {label, data: [{x, y}], backgroundColor: colour('threshold'), pointStyle: 'rectRot',
          borderColor: colour('panel'), borderWidth: 1.5, pointRadius: 8, pointHoverRadius: 9, order: 1};
}
const legend = {labels: {usePointStyle: true, filter: (item, data) => !data.datasets[item.datasetIndex].faint}};

function scatterConfig(datasets, x, y, label) {
  return {type: 'scatter', data: {datasets},
          options: {scales: {x, y}, interaction: {mode: 'nearest', intersect: false},
                    plugins: {legend, tooltip: {filter: (item) => !item.dataset.faint,
                                                callbacks: {label}}}}};
}

// Said under charts that show all groups.
const behind = () => others().length ? ' Thin grey lines are the other groups.' : '';
const others = () => report.groups.filter((_, index) => index !== shown);

function rocChart(group) {
  const e = group.evaluation, least = floorOf(e.pairs.impostor);
  const points = (evaluation) => evaluation.roc.map((p) => ({x: raised(p.far, least), y: p.tar}));
  return chart('ROC: how many are recognised at which price',
    'To the upper left is better. The diamond is the threshold. Left edge: no false accept at all.' + behind(),
    () => scatterConfig([
      mark('threshold', raised(e.at_threshold.far, least), e.at_threshold.tar),
      line('true accepts', points(e), 'genuine'),
      ...others().map((g) => line(g.name, points(g.evaluation), 'other', true)),
    ], logAxis('false accepts (FAR)', least), linearRate('true accepts (TAR)'),
    (item) => `FAR ${percent(item.raw.x)}, TAR ${percent(item.raw.y)}`));
}

function detChart(group) {
  const e = group.evaluation, least = floorOf(e.pairs.impostor), low = floorOf(e.pairs.genuine);
  const points = (evaluation) => evaluation.det
      .map((p) => ({x: raised(p.far, least), y: raised(p.fnmr, low)}));
  return chart('DET: the two errors against each other',
    'To the lower left is better. On the dashed diagonal both errors are equal (EER).' + behind(),
    () => {
      const from = Math.max(least, low);
      return scatterConfig([
        mark('threshold', raised(e.at_threshold.far, least), raised(1 - e.at_threshold.tar, low)),
        line('errors', points(e), 'genuine'),
        {...line('equal errors', [{x: from, y: from}, {x: 1, y: 1}], 'other', true), borderDash: [4, 4]},
        ...others().map((g) => line(g.name, points(g.evaluation), 'other', true)),
      ], logAxis('false accepts (FAR)', least), logAxis('false rejects (FNMR)', low),
      (item) => `FAR ${percent(item.raw.x)}, FNMR ${percent(item.raw.y)}`);
    });
}

// A dashed upright line at `value`, with its name, behind everything.
function uprightLine(value, label) {
  return {id: 'upright', afterDatasetsDraw({ctx, chartArea: area, scales: {x}}) {
    const place = x.getPixelForValue(value);
    if (place < area.left || place > area.right) return;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = colour('threshold');
    ctx.lineWidth = 2;
    ctx.setLineDash([6, 4]);
    ctx.beginPath();
    ctx.moveTo(place, area.top);
    ctx.lineTo(place, area.bottom);
    ctx.stroke();
    const left = place > (area.left + area.right) / 2;
    ctx.textAlign = left ? 'right' : 'left';
    ctx.textBaseline = 'top';
    ctx.font = `12px ${Chart.defaults.font.family}`;
    const width = ctx.measureText(label).width + 8;
    ctx.fillStyle = colour('panel');
    ctx.fillRect(left ? place - 4 - width : place + 4, area.top, width, 17);
    ctx.fillStyle = colour('threshold');
    ctx.fillText(label, place + (left ? -8 : 8), area.top + 2);
    ctx.restore();
  }};
}

function histogramChart(group) {
  const e = group.evaluation, h = e.histogram, bins = h.genuine.length;
  const width = (h.most - h.least) / bins;
  // Shares, because there are many more impostor pairs. A bin is a step from its left to its right.
  const steps = (counts, all) => counts
      .map((count, bin) => ({x: h.least + bin * width, y: count / all, count}))
      .concat([{x: h.most, y: counts[bins - 1] / all, count: counts[bins - 1]}]);
  const hill = (label, counts, all, name) => ({
    label, data: steps(counts, all), showLine: true, stepped: 'before', fill: 'origin',
    borderColor: colour(name), backgroundColor: colour(name) + '48',
    borderWidth: 1.5, pointHitRadius: 6});
  const t = e.at_threshold;
  return chart('Distances of pairs',
    [`Share of pairs per distance. Left of the threshold counts as one person: `,
     figure(`/groups/${shown}/evaluation/at_threshold/false_accepts`, number), ' false accepts, ',
     figure(`/groups/${shown}/evaluation/at_threshold/false_rejects`, number), ' false rejects.'],
    () => ({
      type: 'scatter',
      data: {datasets: [hill('same person', h.genuine, e.pairs.genuine, 'genuine'),
                        hill('different people', h.impostor, e.pairs.impostor, 'impostor')]},
      options: {
        scales: {x: {type: 'linear', min: Math.min(h.least, t.threshold),
                     max: h.most > h.least ? Math.max(h.most, t.threshold) : h.least + 1,
                     title: {display: true, text: 'distance'},
                     ticks: {maxRotation: 0, includeBounds: false}},
                 y: {beginAtZero: true, title: {display: true, text: 'share of pairs'},
                     ticks: {callback: rateLabel}}},
        interaction: {mode: 'nearest', axis: 'x', intersect: false},
        plugins: {legend, tooltip: {callbacks: {label: (item) =>
            `${item.dataset.label}: ${plural(item.raw.count, 'pair', 'pairs')} (${percent(item.raw.y)})`}}},
      },
      plugins: [uprightLine(t.threshold, `threshold ${distance(t.threshold)}`)],
    }));
}

function cmcChart(group) {
  const cmc = group.evaluation.cmc, ranks = Math.min(cmc.length, 20);
  const points = (evaluation) => evaluation.cmc.slice(0, 20).map((rate, rank) => ({x: rank + 1, y: rate}));
  const least = Math.min(...report.groups.map((g) => g.evaluation.cmc[0]));
  return chart('CMC: is the right person among the nearest?',
    [`Of ${group.evaluation.one_shot.ways} people, each known by one picture. `,
     ...group.evaluation.k_shot.slice(1).flatMap((k, i) => [
       `With ${k.shots} pictures each the nearest one is right in `,
       figure(`/groups/${shown}/evaluation/k_shot/${i + 1}/accuracy`), '. ']), behind()],
    () => {
      const own = line('right person within rank', points(group.evaluation), 'genuine');
      own.pointRadius = 3;
      return scatterConfig([own, ...others().map((g) => line(g.name, points(g.evaluation), 'other', true))],
        {type: 'linear', min: 1, max: Math.max(ranks, 2), title: {display: true, text: 'rank'},
         ticks: {precision: 0, maxRotation: 0, includeBounds: false}},
        linearRate('searches', {min: Math.max(0, Math.floor((least - 0.02) * 20) / 20)}),
        (item) => `rank ${item.raw.x}: ${percent(item.raw.y)}`);
    });
}

function openSetChart(group) {
  const e = group.evaluation, o = e.open_set;
  const least = floorOf(o.stranger_searches), low = floorOf(o.mated_searches);
  const points = (evaluation) => evaluation.open_set.curve
      .map((p) => ({x: raised(p.fpir, least), y: p.fnir}));
  const pointer = `/groups/${shown}/evaluation/open_set`;
  return chart('Open set: some who are searched are strangers',
    ['At the threshold ', figure(pointer + '/at_threshold/fpir'), ' of strangers find somebody (FPIR) and ',
     figure(pointer + '/at_threshold/fnir'), ' of the known people are missed (FNIR).', behind()],
    () => scatterConfig([
      mark('threshold', raised(o.at_threshold.fpir, least), o.at_threshold.fnir),
      line('missed', points(e), 'genuine'),
      ...others().map((g) => line(g.name, points(g.evaluation), 'other', true)),
    ], logAxis('strangers who find somebody (FPIR)', least),
    linearRate('known people missed (FNIR)', {min: 0}),
    (item) => `FPIR ${percent(item.raw.x)}, FNIR ${percent(item.raw.y)}`));
}

function trainingChart(group) {
  const epochs = group.history, each = Math.max(1, Math.round(epochs.length / group.members));
  const runs = [];
  for (let i = 0; i < epochs.length; i += each) runs.push(epochs.slice(i, i + each));
  const curve = (run, key) => run.map((epoch, i) => ({x: i + 1, y: epoch[key]}))
      .filter((point) => point.y !== undefined && point.y !== null);
  return chart('Training',
    runs.length > 1 ? `One curve for each of ${runs.length} networks, whose embeddings are used together.`
                    : 'Mean loss of each epoch.',
    () => {
      const datasets = [];
      runs.forEach((run, member) => {
        for (const [label, key, name] of [['loss', 'loss', 'genuine'],
                                          ['loss on examples not trained', 'val_loss', 'impostor']]) {
          const points = curve(run, key);
          if (!points.length) continue;
          const drawn = line(label, points, name);
          if (points.length === 1) drawn.pointRadius = 4;
          drawn.unnamed = member > 0;
          datasets.push(drawn);
        }
      });
      const config = scatterConfig(datasets,
        {type: 'linear', min: each > 1 ? 1 : 0, max: Math.max(each, 2), title: {display: true, text: 'epoch'},
         ticks: {precision: 0, maxRotation: 0, includeBounds: false}},
        {beginAtZero: true, title: {display: true, text: 'loss'}},
        (item) => `epoch ${item.raw.x}, ${item.dataset.label}: ${item.raw.y.toFixed(4)}`);
      config.options.plugins.legend = {labels: {usePointStyle: true,
        filter: (item, data) => !data.datasets[item.datasetIndex].unnamed}};
      return config;
    });
}

// ---- The map ----

// Neighbours in the list of people get hues far apart.
const personColour = (person) => `hsl(${(person * 137.508) % 360} 65% ${colour('lightness')})`;

function mapChart(group) {
  const map = group.map;
  const sheet = new Image();
  sheet.src = map.thumbnails.picture;
  const hover = el('div', {class: 'hover', hidden: ''});
  let person = -1;  // the one that is pointed at
  const names = group.evaluation.persons;
  const caption = map.points.length < group.images.length
      ? ` Shown are ${number(map.points.length)} of ${number(group.images.length)} images.` : '';
  const [first, second] = map.variance;
  const frame = chart('Map of the images',
    `Each point is an image, each colour a person; images that the model finds alike lie close. Point at one ` +
    `to see it and its person's others. The map shows ${percent(first + second)} of the embeddings' variance ` +
    `(two principal components), so that people may overlap here who are apart in truth.` + caption,
    (canvas) => {
      const xs = map.points.map((p) => p.x), ys = map.points.map((p) => p.y);
      const range = (values) => {
        const least = Math.min(...values), most = Math.max(...values), pad = 0.05 * (most - least) || 1;
        return {min: least - pad, max: most + pad};
      };
      const axis = (values) => ({type: 'linear', ...range(values), ticks: {display: false},
                                 grid: {drawTicks: false, color: colour('line')}});
      const of = (raw) => group.images[raw.image].person;
      return {
        type: 'scatter',
        data: {datasets: [{
          data: map.points,
          pointBackgroundColor: ({raw}) => raw && personColour(of(raw)),
          pointBorderColor: ({raw}) => raw && (of(raw) === person ? colour('ink') : colour('panel')),
          pointBorderWidth: ({raw}) => raw && of(raw) === person ? 2 : 1,
          pointRadius: ({raw}) => raw && of(raw) === person ? 8 : 5,
          pointHoverRadius: 9,
        }]},
        options: {
          scales: {x: axis(xs), y: axis(ys)},
          interaction: {mode: 'nearest', intersect: true},
          onHover: (event, active, drawn) => {
            const now = active.length ? of(map.points[active[0].index]) : -1;
            if (now === person) return;
            person = now;
            drawn.update('none');
          },
          plugins: {legend: {display: false}, tooltip: {enabled: false, external: ({tooltip}) => {
            if (tooltip.opacity === 0 || !tooltip.dataPoints) {
              hover.hidden = true;
              return;
            }
            const index = tooltip.dataPoints[0].dataIndex, picture = group.images[map.points[index].image];
            const {width, height, columns} = map.thumbnails;
            const view = el('canvas', {width: 2 * width, height: 2 * height});
            view.getContext('2d').drawImage(sheet, (index % columns) * width,
                Math.floor(index / columns) * height, width, height, 0, 0, 2 * width, 2 * height);
            hover.replaceChildren(view, el('div', {}, names[picture.person].name),
                                  el('div', {class: 'faint'}, picture.name));
            const place = canvas.getBoundingClientRect();
            const right = place.left + tooltip.caretX < window.innerWidth / 2;
            hover.style.left = right ? `${place.left + tooltip.caretX + 14}px` : 'auto';
            hover.style.right = right ? 'auto'
                : `${document.documentElement.clientWidth - place.left - tooltip.caretX + 14}px`;
            hover.style.top = `${Math.max(4, place.top + tooltip.caretY - height)}px`;
            hover.hidden = false;
          }}},
        },
      };
    }, {class: 'wide'});
  frame.append(hover);
  return frame;
}

// ---- Pictures and people ----

function hardPairs(group, kind) {
  const threshold = group.evaluation.at_threshold.threshold;
  return el('div', {class: 'pairs'}, group.evaluation.hardest[kind].map((pair, index) => {
    const accepted = pair.distance < threshold;
    const wrong = accepted !== (kind === 'genuine');
    const [a, b] = [group.images[pair.a], group.images[pair.b]];
    const verdict = wrong ? (accepted ? 'wrongly accepted' : 'wrongly rejected')
                          : (accepted ? 'accepted' : 'rejected');
    return el('div', {class: wrong ? 'pair wrong' : 'pair'},
      el('div', {class: 'pictures'}, image(group.pictures[pair.a], a.name), image(group.pictures[pair.b], b.name)),
      el('div', {}, `${a.name} · ${b.name}`),
      el('div', {}, 'distance ',
         figure(`/groups/${shown}/evaluation/hardest/${kind}/${index}/distance`, distance)),
      el('div', {class: 'verdict'}, verdict));
  }));
}

function personsTable(group) {
  const oneShot = (p) => p.one_shot_trials ? p.one_shot_errors / p.one_shot_trials : -1;
  const columns = [
    {name: 'person', key: (p) => p.name, down: false},
    {name: 'images', key: (p) => p.images, down: true},
    {name: 'wrongly rejected', key: (p) => p.fnmr ?? -1, down: true},
    {name: 'one-shot errors', key: oneShot, down: true},
    {name: 'farthest pair', key: (p) => p.worst ? p.worst.distance : -1, down: true},
  ];
  const row = (p, index) => {
    const pointer = `/groups/${shown}/evaluation/persons/${index}`;
    const bar = el('span', {class: 'rate'});
    bar.style.width = `${Math.round(70 * (p.fnmr ?? 0))}px`;
    const pictures = p.worst && group.pictures[p.worst.a] && group.pictures[p.worst.b]
        ? el('span', {class: 'pictures'}, image(group.pictures[p.worst.a], group.images[p.worst.a].name),
             image(group.pictures[p.worst.b], group.images[p.worst.b].name))
        : null;
    const errors = Number(p.one_shot_errors.toFixed(2));
    return el('tr', {},
      el('td', {'data-json': pointer + '/name'}, p.name), el('td', {}, number(p.images)),
      el('td', {class: p.fnmr > 0 ? 'bar wrong' : 'bar'}, bar, figure(pointer + '/fnmr')),
      el('td', {class: errors > 0 ? 'wrong' : undefined},
         p.one_shot_trials ? `${errors} of ${p.one_shot_trials}` : 'none'),
      el('td', {}, p.worst ? distance(p.worst.distance) + ' ' : 'none', pictures));
  };
  const persons = group.evaluation.persons.map((p, index) => ({p, row: row(p, index)}));
  const body = el('tbody');
  const heads = columns.map((column) => el('th', {scope: 'col'}, el('button', {type: 'button'}, column.name)));
  const sort = (index, down) => {
    const {key} = columns[index], sign = down ? -1 : 1;
    persons.sort((a, b) => {
      const [x, y] = [key(a.p), key(b.p)];
      return sign * (typeof x === 'string' ? x.localeCompare(y, 'en', {numeric: true}) : x - y);
    });
    heads.forEach((head, i) => i === index
        ? head.setAttribute('aria-sort', down ? 'descending' : 'ascending') : head.removeAttribute('aria-sort'));
    body.replaceChildren(...persons.map((entry) => entry.row));
  };
  heads.forEach((head, index) => head.firstChild.addEventListener('click', () => {
    const now = head.getAttribute('aria-sort');
    sort(index, now ? now === 'ascending' : columns[index].down);
  }));
  sort(0, false);
  sort(4, true);
  sort(3, true);
  sort(2, true);
  return el('div', {class: 'scroll'},
            el('table', {id: 'persons'}, el('thead', {}, el('tr', {}, heads)), body));
}

// ---- Figures ----

function cards(group) {
  const e = group.evaluation, base = `/groups/${shown}/evaluation`;
  const card = (name, pointer, ci, note, key, format = percent) => el('div', {class: 'card'},
    el('div', {class: 'name'}, name), el('div', {class: 'value'}, figure(base + pointer, format)),
    el('div', {class: 'note'}, '95 %: ', interval(base + ci, format)),
    el('div', {class: 'note'}, note),
    group.baselines.slice(0, 1).map((system) => el('div', {class: 'note'}, system.name + ' ',
      figure(`/groups/${shown}/baselines/0/${key}`, format))));
  const {ways, fewest_ways: fewest} = e.one_shot, tar = e.tar_at_far[kOnePercent];
  return el('div', {class: 'cards'},
    card('Equal error rate', '/eer', '/ci/eer', 'where both errors are equal', 'eer'),
    card('TAR at 1 % FAR', `/tar_at_far/${kOnePercent}/tar`, `/tar_at_far/${kOnePercent}/ci`,
         tar.resolved ? 'at 1 false accept in 100' : 'too few pairs to be sure', 'tar_at_far_1pct'),
    card(`${fewest === ways ? ways : fewest + ' to ' + ways}-way one-shot`, '/one_shot/accuracy', '/one_shot/ci',
         'found by one picture', 'one_shot'),
    card('Area under the ROC', '/auc', '/ci/auc', '1 is perfect', 'auc', area));
}

function thresholdText(group) {
  const base = `/groups/${shown}/evaluation/at_threshold`, t = group.threshold;
  const rates = [' False accepts there: ', figure(base + '/far'), '; true accepts: ',
                 figure(base + '/tar'), '; right decisions: ', figure(base + '/accuracy'), '.'];
  if (!group.evaluation.at_threshold.calibrated || !t) {
    return el('p', {}, 'Threshold: ', figure(base + '/threshold', distance),
              ', that of the equal error rate, chosen on these very pairs.', rates);
  }
  return el('p', {}, 'Threshold: ', figure(base + '/threshold', distance),
    `, chosen on ${plural(t.identities, 'person', 'people')} kept apart in training for a FAR of ` +
    `${percent(t.far)} (95 %: ${percent(t.lower)} – ${percent(t.upper)}).`, rates);
}

function figuresTables(group) {
  const e = group.evaluation, base = `/groups/${shown}`;
  const own = el('tr', {class: 'own'}, el('td', {}, 'this model'),
    ['/eer', '/auc', `/tar_at_far/${kOnePercent}/tar`, '/one_shot/accuracy'].map((key) => el('td', {},
      figure(base + '/evaluation' + key, key === '/auc' ? area : percent))));
  const systems = group.baselines.map((system, i) => [system.name,
    figure(`${base}/baselines/${i}/eer`), figure(`${base}/baselines/${i}/auc`, area),
    figure(`${base}/baselines/${i}/tar_at_far_1pct`), figure(`${base}/baselines/${i}/one_shot`)]);
  const tars = e.tar_at_far.map((tar, i) => [rateLabel(tar.far),
    figure(`${base}/evaluation/tar_at_far/${i}/tar`), interval(`${base}/evaluation/tar_at_far/${i}/ci`),
    figure(`${base}/evaluation/tar_at_far/${i}/threshold`, distance),
    tar.resolved ? '' : `not resolved by ${number(e.pairs.impostor)} impostor pairs`]);
  return [
    el('h2', {}, 'Beside simpler means'),
    el('p', {class: 'note'}, 'The same people, recognised without a trained network.'),
    table(['', 'EER', 'AUC', 'TAR at 1 % FAR', 'one-shot'], [own, ...systems], {id: 'systems'}),
    el('h2', {}, 'True accepts at stricter thresholds'),
    table(['FAR', 'TAR', '95 %', 'threshold', ''], tars, {id: 'tars'}),
  ];
}

// Several groups: their figures under each other, with mean and spread.
function overview() {
  if (!report.mean) return [];
  const cells = (pointer) => ['eer', 'auc', 'tar_at_far_1pct', 'one_shot'].map((key) =>
    figure(`${pointer}/${key}`, key === 'auc' ? area : percent));
  const rows = report.groups.map((group, i) => [group.name, ...cells(`/groups/${i}/figures`)]);
  const mean = el('tr', {class: 'own rule'},
    [el('td', {}, 'mean'), ...cells('/mean').map((cell) => el('td', {}, cell))]);
  const baselines = report.baselines.map((system, i) => [`${system.name}, mean`, ...cells(`/baselines/${i}`)]);
  return [
    el('h2', {}, 'Over all groups of people'),
    table(['', 'EER', 'AUC', 'TAR at 1 % FAR', 'one-shot'],
          [...rows, mean, ['standard deviation', ...cells('/spread')], ...baselines], {id: 'overview'}),
  ];
}

function banners(group) {
  const banner = (strong, text) => el('div', {class: 'banner'}, el('strong', {}, strong), ' ', text);
  const {identities, named, images, look_alikes: alike} = group.seen, found = [];
  if (identities.length) {
    const few = identities.slice(0, 8).join(', ') + (identities.length > 8 ? ', ...' : '');
    const box = banner('The model was trained on people in this report.',
      `${plural(identities.length, 'person', 'people')} (${few}) were seen in training: ` +
      `${number(named.length)} by name, ${plural(images, 'image', 'images')} by every pixel, ` +
      `${plural(alike.length, 'image', 'images')} by a look alike. ` +
      'The figures say nothing about people it has not seen.');
    box.id = 'seen';
    found.push(box);
  }
  if (group.evaluation.collapsed) {
    found.push(banner('The embedding collapsed.', 'All distances are alike: it tells nobody apart.'));
  }
  return found;
}

// ---- The page ----

const body = el('div');

function show(index) {
  shown = index;
  redraws = [];
  const group = report.groups[index], e = group.evaluation;
  body.replaceChildren(
    ...banners(group), cards(group),
    el('p', {class: 'note'}, `${plural(e.persons.length, 'person', 'people')}, ` +
      `${plural(group.images.length, 'image', 'images')}: ${plural(e.pairs.genuine, 'pair', 'pairs')} of one person, ` +
      `${plural(e.pairs.impostor, 'pair', 'pairs')} of two. "95 %" is the interval in which a figure would lie for ` +
      'other people of the same kind (bootstrap over people).'),
    thresholdText(group),
    el('div', {class: 'charts'}, histogramChart(group), rocChart(group), detChart(group), cmcChart(group),
       openSetChart(group), group.history.length ? trainingChart(group) : null, mapChart(group)),
    el('h2', {}, 'Same person, far apart'),
    el('p', {class: 'note'}, 'The pairs of one person that the model finds most different.'),
    hardPairs(group, 'genuine'),
    el('h2', {}, 'Different people, alike'),
    el('p', {class: 'note'}, 'The pairs of two people that the model finds most alike.'),
    hardPairs(group, 'impostor'),
    el('h2', {}, 'Who fails'),
    personsTable(group),
    ...figuresTables(group));
  drawCharts();
}

const names = report.groups.length > 1 ? el('nav', {class: 'groups', 'aria-label': 'groups of people'},
  report.groups.map((group, index) => {
    const button = el('button', {type: 'button', 'aria-pressed': index === 0}, group.name);
    button.addEventListener('click', () => {
      [...names.children].forEach((other) => other.setAttribute('aria-pressed', other === button));
      show(index);
    });
    return button;
  })) : null;

document.title = report.title + ' - Doppel report';
page.replaceChildren(...[
  el('header', {}, el('h1', {}, report.title), el('p', {class: 'faint'}, `Doppel ${report.version}`)),
  ...overview(), names, body,
  el('h2', {}, 'How this came about'),
  el('dl', {}, report.setting.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])),
  el('details', {}, el('summary', {}, 'The whole recipe'), el('pre', {}, JSON.stringify(report.recipe, null, 2))),
].filter(Boolean));
show(0);

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawCharts);
// Charts are pictures: they have to be drawn for the paper, in its colours and at its width.
const paper = (on) => () => {
  root.classList.toggle('paper', on);
  drawCharts();
};
window.addEventListener('beforeprint', paper(true));
window.addEventListener('afterprint', paper(false));
root.dataset.drawn = charts.length;
})();
