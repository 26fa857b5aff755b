// The view "Model": how it was trained, what it does on people it has not seen, and the threshold,
// to be tried out and saved.
import {putDecision} from './api.js';
import {createChart, hill, line, logAxis, rateAxis, uprightLine, colour} from './charts.js';
import {equalError, farAt, fnrAt, fpirOf, histogram, range, rocPoints, tarAt} from './curves.js';
import {button, el, field, forbid, newId, notice, say} from './dom.js';
import {distance, number, oneIn, people, percent, plural, sentence} from './format.js';
import {forbidden, modelInfo, refreshModel, updateModel, watchModel} from './model_info.js';

const BINS = 40;
const STEPS = 300;  // of the slider, about

export function createModel(section) {
  const body = el('div', {class: 'model'});
  section.append(body);
  let charts = [];
  let active = false;
  let drawnOf = '';           // of which model and role the page is
  let follow = () => {};      // takes a changed rule in
  let head = null;            // the figures at a glance

  function draw(info) {
    charts.forEach((chart) => chart.destroy());
    charts = [];
    follow = () => {};
    head = glance(info);
    body.replaceChildren(...[head, accuracy(info), training(info), about(info)]
        .filter(Boolean));
    charts.forEach((chart) => chart.draw());
  }

  // ---- Figures at a glance ----

  function card(name, value, ...notes) {
    return el('div', {class: 'figure'}, el('p', {class: 'name'}, name),
              el('p', {class: 'value'}, value),
              notes.filter(Boolean).map((note) => el('p', {class: 'hint'}, note)));
  }

  function glance({threshold: t, training: trained, rule, people: known, templates}) {
    const cards = [];
    if (trained) {
      cards.push(card('Trained on', people(trained.identities),
                      plural(trained.images, 'image', 'images'),
                      trained.synthetic && 'synthetic faces: not for people'));
    }
    if (t) {
      cards.push(card(`TAR at ${percent(t.far)} FAR`, percent(t.tar),
                      `of pairs of one person are accepted; on ${people(t.identities)} kept ` +
                      'back from the training'));
      const eer = t.curve ? equalError(t.curve, t.genuine_distances ?? []) : null;
      if (eer) {
        cards.push(card('Equal error rate', percent(eer.rate),
                        `both errors are equal at a distance of ${distance(eer.distance)}`));
      }
    }
    const gallery = card('Gallery', people(known), plural(templates, 'template', 'templates'));
    cards.push(gallery);
    return el('div', {class: 'figures'}, cards);
  }

  // ---- The threshold ----

  function accuracy(info) {
    const t = info.threshold;
    if (!t?.curve?.points?.length) {
      return el('div', {class: 'card threshold-card'}, el('h2', {}, 'Accuracy'),
        notice('plain', 'Nothing is known of how often this model errs: it was not calibrated on ' +
               'people it has not seen. ', el('code', {}, 'doppel calibrate'),
               ' does that, and chooses a threshold.'),
        decisionWithoutCurve(info));
    }
    const {curve} = t, genuine = t.genuine_distances ?? [];
    const impostor = t.impostor_distances ?? [];
    const below = (d) => (impostor.length ? tarAt(impostor, d) : farAt(curve, d));
    let {rule, decision} = info;
    // A line of the gallery's own people is none of distances.
    const ofDistances = (r) => (r?.normalised ? null : r?.threshold ?? null);
    let at = ofDistances(rule) ?? t.value;
    let touched = false;  // then the slider is left where it is
    const [least, most] = widened(range(curve, genuine), at);

    // The slider and its figures.
    const step = 10 ** Math.floor(Math.log10((most - least) / STEPS));
    const slider = el('input', {
      type: 'range', min: Math.floor(least / step) * step, max: Math.ceil(most / step) * step,
      step: 'any', id: newId('threshold'), on: {input: () => {
        touched = true;
        move(Number(slider.value));
        say(saved, '');
      }},
    });
    // "any" leaves the saved threshold exact, so the arrow keys' steps are ours.
    slider.addEventListener('keydown', (event) => {
      const by = {ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -20,
                  PageUp: 20}[event.key];
      if (!by) return;
      event.preventDefault();
      const next = Math.round(at / step + by) * step;
      slider.value = Math.min(Number(slider.max), Math.max(Number(slider.min), next));
      slider.dispatchEvent(new Event('input'));
    });
    const shownAt = el('output', {for: slider.id, class: 'at', 'aria-live': 'off'});
    const figure = (name, id) => {
      const value = el('p', {class: 'value', id});
      const note = el('p', {class: 'hint'});
      return {value, note, element: el('div', {class: 'figure'},
          el('p', {class: 'name'}, name), value, note)};
    };
    const far = figure('False accepts (FAR)', 'figure-far');
    const fnr = figure('False rejections (FNR)', 'figure-fnr');
    const fpir = figure('Strangers recognised (FPIR)', 'figure-fpir');

    // Charts that follow.
    const upright = uprightLine(() => at, 'threshold');
    const [low, high] = range(curve, genuine);
    const histograms = createChart('Distances of pairs',
      genuine.length
        ? 'Share of pairs per distance, of people not trained on. Left of the threshold counts ' +
          'as one person.'
        : 'Share of pairs of strangers per distance. Of pairs of one person this model stores ' +
          'no distances.',
      () => ({
        type: 'scatter',
        data: {datasets: [
          genuine.length ? hill('same person', histogram((d) => tarAt(genuine, d), low, high,
                                                         BINS), 'genuine') : null,
          hill('different people', histogram(below, low, high, BINS), 'impostor')].filter(Boolean)},
        options: {
          scales: {
            x: {type: 'linear', min: Number(slider.min), max: Number(slider.max),
                title: {display: true, text: 'distance'},
                ticks: {maxRotation: 0, includeBounds: false}},
            y: rateAxis('share of pairs', {beginAtZero: true}),
          },
          interaction: {mode: 'nearest', axis: 'x', intersect: false},
          plugins: {legend: {labels: {usePointStyle: true}}, tooltip: {callbacks: {
            label: (item) => `${item.dataset.label}: ${percent(item.raw.y)}`}}},
        },
        plugins: [upright],
      }));
    charts.push(histograms);
    // Two powers of ten beyond what the pairs can show; further left there is nothing to see.
    const leastFar = Math.max(curve.points[0][0], curve.resolved / 100);
    const here = () => ({x: farAt(curve, at), y: tarAt(genuine, at)});
    const roc = genuine.length ? createChart('ROC',
      'True accepts over false accepts, one point for each threshold; to the upper left is ' +
      `better. Rarer than ${percent(curve.resolved)} the FAR is extrapolated.`,
      () => ({
        type: 'scatter',
        data: {datasets: [
          {label: 'threshold', data: [here()], backgroundColor: colour('threshold'),
           pointStyle: 'rectRot', borderColor: colour('card'), borderWidth: 1.5, pointRadius: 8,
           pointHoverRadius: 9, order: 1},
          {...line('true accepts', rocPoints(curve, genuine)
              .filter((point) => point.far >= leastFar)
              .map((point) => ({x: point.far, y: point.tar})), 'genuine'), order: 2},
        ]},
        options: {
          scales: {x: logAxis('false accepts (FAR)', leastFar),
                   y: rateAxis('true accepts (TAR)', {min: 0, max: 1})},
          interaction: {mode: 'nearest', intersect: false},
          plugins: {legend: {labels: {usePointStyle: true}}, tooltip: {callbacks: {
            label: (item) => `FAR ${percent(item.raw.x)}, TAR ${percent(item.raw.y)}`}}},
        },
        plugins: [uprightLine(() => farAt(curve, at))],
      })) : null;
    if (roc) charts.push(roc);

    function move(to) {
      at = to;
      const f = farAt(curve, at), n = fnrAt(genuine, at);
      const templates = rule?.templates ?? info.templates;
      const p = fpirOf(f, templates);
      shownAt.textContent = distance(at, 3);
      far.value.textContent = percent(f);
      const pairs = oneIn(f, 'pairs of strangers', ['counts', 'count'], curve.points[0][0]);
      far.note.textContent = `${sentence(pairs)} as one person` +
                             (f < curve.resolved ? '; extrapolated' : '');
      fnr.value.textContent = percent(n);
      fnr.note.textContent = n === null ? 'Not stored by this model; doppel calibrate does that'
          : n === 0 ? 'No pair of one person is rejected'
                    : `${sentence(oneIn(n, 'pairs of one person'))} rejected`;
      fpir.value.textContent = templates ? percent(p) : 'none';
      fpir.note.textContent = templates
          ? `${sentence(oneIn(p, 'strangers'))} taken for somebody of this gallery, with ` +
            `${plural(templates, 'template', 'templates')}` : 'The gallery is empty';
      slider.setAttribute('aria-valuetext', `${distance(at, 3)}: FAR ${percent(f)}, FNR ` +
                          `${percent(n)}, FPIR ${percent(p)}`);
      histograms.drawn?.update('none');
      if (roc?.drawn) {
        roc.drawn.data.datasets[0].data = [here()];
        roc.drawn.update('none');
      }
    }

    // Saving.
    const now = el('p', {class: 'now'});
    const saved = el('p', {class: 'status-line', role: 'status', 'aria-live': 'polite'});
    const problem = el('div');
    const save = button('Save this threshold', () => put({distance: at}), {kind: 'primary'});
    const wanted = el('input', {type: 'number', min: 0.0001, max: 50, step: 'any',
                                inputmode: 'decimal',
                                value: Number((100 * (decision?.fpir ?? 0.01)).toPrecision(3))});
    const back = button('Back to FPIR rule', () => {
      const rate = Number(wanted.value) / 100;
      if (!(rate > 0 && rate < 1)) {
        problem.replaceChildren(notice('error', 'The FPIR is a rate above 0 and below 100 %; ' +
                                       '1 is usual.'));
        wanted.focus();
        return null;
      }
      return put({fpir: rate});
    });
    async function put(change) {
      problem.replaceChildren();
      try {
        const answer = await putDecision(change);
        touched = false;
        updateModel(answer);
        say(saved, savedWords(answer.rule));
      } catch (error) {
        problem.replaceChildren(notice('error', error.message));
      }
    }
    follow = (changed) => {
      ({rule, decision} = changed);
      now.replaceChildren(...ruleWords(rule, decision));
      if (!touched && ofDistances(rule) > 0) slider.value = at = ofDistances(rule);
      move(at);
    };
    const why = forbidden(info);
    [save, back, wanted].forEach((control) => forbid(control, why));

    slider.value = at;
    now.replaceChildren(...ruleWords(rule, decision));
    move(at);
    return el('div', {class: 'card threshold-card'},
      el('h2', {}, 'Where the line is drawn'),
      now,
      el('div', {class: 'slider'},
         el('div', {class: 'row'}, el('label', {for: slider.id}, 'Try a threshold'), shownAt),
         slider,
         el('div', {class: 'row ends'}, el('span', {}, 'strict: fewer strangers'),
            el('span', {}, 'lax: fewer rejections'))),
      el('div', {class: 'figures live'}, far.element, fnr.element, fpir.element),
      el('div', {class: 'charts'}, histograms.element, roc?.element),
      el('div', {class: 'save'},
         save, el('div', {class: 'fpir-rule'}, field('Wanted FPIR in %', wanted), back)),
      why ? el('p', {class: 'hint'}, why) : null,
      problem, saved,
      el('p', {class: 'hint'}, `Chosen on ${people(t.identities)} kept back from the training: ` +
         `${plural(t.genuine, 'pair', 'pairs')} of one person, ` +
         `${plural(t.impostor, 'pair', 'pairs')} of two. For a FAR of ${percent(t.far)} that ` +
         `gave ${distance(t.value)} (95 %: ${percent(t.lower)} – ${percent(t.upper)}).`));
  }

  // A distance can be set without a curve, too; what it costs is then not known.
  function decisionWithoutCurve(info) {
    const now = el('p', {class: 'now'}, ruleWords(info.rule, info.decision));
    const input = el('input', {type: 'number', min: 0, step: 'any', inputmode: 'decimal',
                               value: info.decision?.distance ?? ''});
    const saved = el('p', {class: 'status-line', role: 'status', 'aria-live': 'polite'});
    const problem = el('div');
    const save = button('Save this threshold', async () => {
      problem.replaceChildren();
      const at = Number(input.value);
      if (!input.value || !(at > 0)) {
        problem.replaceChildren(notice('error', 'The threshold is a distance above 0.'));
        input.focus();
        return;
      }
      try {
        const answer = await putDecision({distance: at});
        updateModel(answer);
        say(saved, savedWords(answer.rule));
      } catch (error) {
        problem.replaceChildren(notice('error', error.message));
      }
    }, {kind: 'primary'});
    const why = forbidden(info);
    [save, input].forEach((control) => forbid(control, why));
    follow = (changed) => now.replaceChildren(...ruleWords(changed.rule, changed.decision));
    return [now, el('div', {class: 'save'},
                    field('Recognise below a distance of', input), save),
            why ? el('p', {class: 'hint'}, why) : null, problem, saved];
  }

  function ruleWords(rule, decision) {
    if (rule?.threshold === null || rule?.threshold === undefined) {
      return [`Nobody is recognised yet: ${rule?.fault ?? 'there is no threshold'}.`];
    }
    if (rule.source === 'gallery') return ownLineWords(rule);
    const words = [el('strong', {}, `Somebody is recognised below ${distance(rule.threshold, 3)}.`),
                   ' '];
    if (decision?.distance !== null && decision?.distance !== undefined) {
      words.push('That distance was saved by hand. ');
    } else if (rule.templates) {
      words.push(`It follows from the wanted FPIR of ${percent(decision?.fpir)} and moves with ` +
                 'the number of templates. ');
    }
    if (rule.fpir !== null && rule.fpir !== undefined && rule.templates) {
      const interval = rule.fpir_ci
          ? ` (95 %: ${percent(rule.fpir_ci[0])} – ${percent(rule.fpir_ci[1])})` : '';
      words.push(`Among ${plural(rule.templates, 'template', 'templates')} that is an FPIR of ` +
                 `${percent(rule.fpir)}${interval}.`);
      if (rule.extrapolated) {
        words.push(' So rare a rate is extrapolated: the people it was calibrated on are too few ' +
                   'to show it.');
      }
    }
    return words;
  }

  function ownLineWords(rule) {
    const words = [el('strong', {}, `Somebody is recognised at a score below ` +
                                    `${distance(rule.threshold, 3)}.`),
      ` The line comes from the gallery's own ${people(rule.people)}: each is a stranger to the ` +
      `gallery without that person. An FPIR of ${percent(rule.fpir)} is wanted; nine in ten such ` +
      `galleries have ${percent(rule.fpir_ci[0])} – ${percent(rule.fpir_ci[1])}.`];
    if (rule.people < 20) {
      words.push(' So few people tell little' + (rule.distance === undefined ? '.'
          : `, so the distance has to be below the model's ${distance(rule.distance)}, too.`));
    }
    words.push(' A score is a distance, less how near the photo and the person come to others. A ' +
               'distance that is saved below decides by itself.');
    return words;
  }

  function savedWords(rule) {
    if (rule.threshold === null) return `Saved. Nobody is recognised yet: ${rule.fault}.`;
    const what = rule.normalised ? 'at a score below' : 'below';
    return `Saved: somebody is recognised ${what} ${distance(rule.threshold, 3)}.`;
  }

  // ---- Training ----

  function training({training: trained}) {
    if (!trained) {
      return el('div', {class: 'card'}, el('h2', {}, 'Training'),
        notice('plain', 'This network was trained elsewhere; how is not known here.'));
    }
    const facts = [['people', number(trained.identities)], ['images', number(trained.images)],
                   ['networks', number(trained.members)], ['seed', String(trained.seed)]];
    const runs = membersOf(trained.history ?? [], trained.members);
    const loss = runs.length ? createChart('Loss',
      runs.length > 1
        ? `One curve for each of ${runs.length} networks, whose embeddings are used together.`
        : 'Mean loss of each epoch.', () => lossConfig(runs)) : null;
    if (loss) charts.push(loss);
    return el('div', {class: 'card'}, el('h2', {}, 'Training'),
      el('div', {class: 'charts training'},
        el('div', {},
          el('dl', {}, facts.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])),
          el('p', {class: 'hint'}, 'Equal seeds give the same model, byte for byte.'),
          el('details', {}, el('summary', {}, 'The whole recipe'),
             el('pre', {tabindex: 0}, JSON.stringify(trained.recipe, null, 2)))),
        loss?.element));
  }

  // ---- What it is ----

  function about({version, digest, input, embedding_size: size, energy, photos}) {
    const facts = [
      ['input', `${input.width} × ${input.height} pixels, ` +
                (input.align ? 'faces found and aligned' : 'the whole picture is the face')],
      ['embedding', `${plural(size, 'figure', 'figures')}, ${energy} distance`],
      ['gallery keeps', photos ? 'templates and photos' : 'templates, not photos'],
      ['digest', el('code', {}, digest)],
      ['Doppel', version],
    ];
    return el('div', {class: 'card'}, el('h2', {}, 'About this model'),
      el('dl', {}, facts.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])));
  }

  watchModel((info) => {
    if (!active) return;
    const of = `${info.digest} ${info.role}`;
    if (of !== drawnOf) {
      drawnOf = of;
      draw(info);
    } else {
      const before = head;
      head = glance(info);
      before.replaceWith(head);
      follow(info);
    }
  });

  return {
    show() {
      active = true;
      drawnOf = '';
      if (!modelInfo()) return;
      drawnOf = `${modelInfo().digest} ${modelInfo().role}`;
      draw(modelInfo());
      // Who was enrolled meanwhile, by others, too, moves the rule.
      refreshModel().catch(() => {});
    },
    hide() {
      active = false;
      charts.forEach((chart) => chart.destroy());
      charts = [];
      body.replaceChildren();
    },
  };
}

const widened = ([least, most], at) => {
  const pad = 0.02 * (most - least) || 1;
  return [Math.max(0, Math.min(least, at) - pad), Math.max(most, at) + pad];
};

// The history holds one member's epochs after the other's.
function membersOf(history, members) {
  const each = Math.max(1, Math.round(history.length / Math.max(1, members)));
  const runs = [];
  for (let i = 0; i < history.length; i += each) runs.push(history.slice(i, i + each));
  return runs;
}

function lossConfig(runs) {
  const datasets = [];
  runs.forEach((run, member) => {
    for (const [label, key, name] of [['loss', 'loss', 'genuine'],
                                      ['loss on examples not trained', 'val_loss', 'impostor']]) {
      const points = run.map((epoch, i) => ({x: i + 1, y: epoch[key]}))
          .filter(({y}) => y !== undefined && y !== null);
      if (!points.length) continue;
      datasets.push({...line(label, points, name), unnamed: member > 0,
                     pointRadius: points.length === 1 ? 4 : 0});
    }
  });
  const epochs = Math.max(...runs.map((run) => run.length));
  return {
    type: 'scatter', data: {datasets},
    options: {
      scales: {
        x: {type: 'linear', min: epochs > 1 ? 1 : 0, max: Math.max(epochs, 2),
            title: {display: true, text: 'epoch'},
            ticks: {precision: 0, maxRotation: 0, includeBounds: false}},
        y: {beginAtZero: true, title: {display: true, text: 'loss'}},
      },
      interaction: {mode: 'nearest', intersect: false},
      plugins: {
        legend: {labels: {usePointStyle: true,
                          filter: (item, data) => !data.datasets[item.datasetIndex].unnamed}},
        tooltip: {callbacks: {label: (item) =>
          `epoch ${item.raw.x}, ${item.dataset.label}: ${item.raw.y.toFixed(4)}`}},
      },
    },
  };
}
