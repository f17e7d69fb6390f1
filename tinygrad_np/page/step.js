const run = JSON.parse(document.getElementById("run").textContent);
const { nodes, steps, arrays, texts } = run;
for (const entry of [...nodes, ...steps, ...steps.flatMap(s => s.flows || [])]) {
  for (const key of ["doc", "code", "numpy"]) if (key in entry) entry[key] = texts[entry[key]];
}
const $ = id => document.getElementById(id);
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const state = { at: 0, chosen: null, timer: null };
const page = { live: null, link: location.hash }; // `live`: what a click and the keys do in live mode

const SVG = new Set(["svg", "g", "rect", "path", "polygon", "ellipse", "text", "tspan"]);
function make(tag, attributes = {}, ...children) {
  const svg = SVG.has(tag);
  const e = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (value != null) e.setAttribute(key, value);
  }
  e.append(...children.flat().filter(c => c != null && c !== false));
  return e;
}

// --- what is known of each step ------------------------------------------------------------------

const phase = step => step.phase === "seed" ? "backward" : step.phase;
const stepOf = { forward: {}, backward: {}, update: {} }, arrivals = nodes.map(() => []);
steps.forEach((step, i) => {
  if (step.phase === "seed") arrivals[step.node].push({ step: i, from: null });
  else stepOf[step.phase][step.node] ??= i;
  for (const flow of step.flows || []) arrivals[flow.to].push({ step: i, from: step.node, flow });
});
const phases = Object.keys(stepOf).filter(name => steps.some(step => phase(step) === name));
const start = Object.fromEntries(phases.map(name => [name, steps.findIndex(step => phase(step) === name)]));
nodes.forEach((n, i) => n.findings = run.findings.filter(f => f.node === i));
const shapeText = shape => !shape ? "several outputs" : shape.length ? shape.join(" × ") : "a number";
const computed = (i, at) => !nodes[i].op || stepOf.forward[i] <= at;

// --- numbers -------------------------------------------------------------------------------------

function number(x) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "−inf";
  if (Number.isInteger(x) && Math.abs(x) < 1e6) return String(x).replace("-", "−");
  const size = Math.abs(x), text = size < 1e-4 || size >= 1e5 ? x.toExponential(2) : String(Number(x.toPrecision(4)));
  return text.replace(/-/g, "−").replace("e+", "e");
}

// The index of the k-th element of an array of this shape.
function indexOf(k, shape) {
  const index = [];
  for (const n of shape.slice().reverse()) { index.unshift(k % n); k = Math.floor(k / n); }
  return index;
}

// An array as a table of its last axis: the rows and columns that are shown, and an index's text.
function windowOf(shape, rows, columns) {
  const columnCount = shape.length ? shape[shape.length - 1] : 1;
  const rowCount = shape.length < 2 ? 1 : shape.slice(0, -1).reduce((x, y) => x * y, 1);
  const count = n => Array.from({ length: n }, (_, i) => i);
  const m = { shape, rowCount, columnCount, rows: rows || count(rowCount), columns: columns || count(columnCount), whole: !rows };
  m.index = (r, c) => {
    if (shape.length < 2) return shape.length ? `[${m.columns[c]}]` : "";
    return `[${[...indexOf(m.rows[r], shape.slice(0, -1)), m.columns[c]].join(", ")}]`;
  };
  return m;
}

function largest(m) {
  let top = 0;
  for (let i = 0; i < m.rows.length * m.columns.length; i++) {
    if (Number.isFinite(m.size(i))) top = Math.max(top, Math.abs(m.size(i)));
  }
  return top || 1;
}

const cache = new Map();
function read(k) {
  if (cache.has(k)) return cache.get(k);
  const a = arrays[k], bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0)), Kind = a.wide ? Float64Array : Float32Array;
  let flat = new Kind(bytes(a.data).buffer);
  const complex = a.dtype.startsWith("complex");
  if (a.kept) { // the zeros are left out
    const bits = bytes(a.kept), numbers = flat;
    let i = 0;
    flat = Kind.from({ length: 8 * bits.length }, (_, j) => bits[j >> 3] >> (j & 7) & 1 ? numbers[i++] : 0);
  }
  const size = i => complex ? Math.hypot(flat[2 * i], flat[2 * i + 1]) : flat[i];
  const text = i => complex ? `${number(flat[2 * i])} ${flat[2 * i + 1] < 0 ? "−" : "+"} ${number(Math.abs(flat[2 * i + 1]))}i`
    : a.dtype === "bool" ? (flat[i] ? "True" : "False") : number(flat[i]);
  const m = { ...a, ...windowOf(a.shape, a.rows, a.columns), size, text };
  m.top = largest(m);
  cache.set(k, m);
  return m;
}

// Blue below zero, orange above: told apart by the colour-blind, and quiet at zero.
let palette = null;
function colours() {
  const style = getComputedStyle(document.documentElement);
  const parse = name => style.getPropertyValue(name).trim().slice(1).match(/../g).map(h => parseInt(h, 16));
  return palette ||= Object.fromEntries(["zero", "low", "high", "odd"].map(n => [n, parse("--" + n)]));
}
function colour(x, top) {
  const { zero, low, high, odd } = colours();
  if (!Number.isFinite(x)) return odd;
  const end = x < 0 ? low : high, t = Math.sqrt(Math.min(1, Math.abs(x) / top));
  return zero.map((z, i) => Math.round(z + (end[i] - z) * t));
}

// The colours from the largest below zero to the largest above, as a bar.
const scale = () => `background:linear-gradient(90deg,${[-1, -.6, -.3, -.1, -.02, 0, .02, .1, .3, .6, 1].map(x => `rgb(${colour(x, 1)}) ${50 + 50 * x}%`)})`;

// --- matrices ------------------------------------------------------------------------------------

// Cells are painted again when a number changes; `m.cell` may add to what one does.
function table(m) {
  const labelled = m.rowCount > 1 || m.columnCount > 1, rowName = r => m.index(r, 0).replace(/, \d+\]$/, "").slice(1);
  const head = make("tr", {}, m.rowCount > 1 && make("th", {}),
    m.columns.map(c => make("th", { scope: "col" }, String(c))));
  const cells = m.rows.map((_, r) => m.columns.map((_, c) => make("td")));
  m.paint = () => cells.forEach((row, r) => row.forEach((td, c) => {
    const i = r * m.columns.length + c, text = m.text(i);
    if (td.textContent !== text) { td.textContent = text; td.title = `${m.index(r, c)} = ${text}`; }
    td.style.background = `rgb(${colour(m.size(i), m.top)})`;
    m.cell?.(td, r, c);
  }));
  m.paint();
  const body = cells.map((row, r) => make("tr", {}, m.rowCount > 1 && make("th", { scope: "row" }, rowName(r)), row));
  return make("div", { class: "scroll", tabindex: m.rows.length > 10 || m.columns.length > 8 ? 0 : null, role: "group", "aria-label": "values" },
    make("table", { class: "m" }, labelled && make("thead", {}, head), make("tbody", {}, body)));
}

// Arrays of four axes are images: the channels of one beside each other, or the heads of attention.
function tiling(m) {
  const [channels, h, w] = m.shape.slice(-3), count = m.rows.length / h;
  const whole = m.shape.length === 4 && h > 1 && m.columns.length === w && Number.isInteger(count) && m.rows.at(-1) === m.rows.length - 1;
  if (!whole) return { h: m.rows.length, w: m.columns.length, across: 1, down: 1, gap: 0 };
  const fit = Math.max(1, Math.floor(190 / (w + 1))), across = Math.min(count, fit, channels > 1 ? channels : 8);
  return { h, w, across, down: Math.ceil(count / across), gap: 1 };
}

function heat(m, caption) {
  const { h, w, across, down, gap } = tiling(m), [rows, columns] = [m.rows.length, m.columns.length];
  const width = across * (w + gap) - gap, height = down * (h + gap) - gap;
  const wide = width > 190 ? 570 / width : Math.max(3, Math.min(16, Math.floor(290 / width)));
  const high = gap ? wide : Math.max(h === 1 ? 16 : 3, Math.min(2 * wide, Math.floor(200 / h)));
  const canvas = make("canvas", { width, height, role: "application", tabindex: 0, class: gap ? "tiles" : null, style: `width:${width * wide}px;height:${height * high}px`,
    "aria-label": `heat map of ${caption}: the arrow keys read its cells; its statistics follow` });
  const place = (r, c) => {
    const tile = Math.floor(r / h);
    return [(tile % across) * (w + gap) + c, Math.floor(tile / across) * (h + gap) + r % h];
  };
  const context = canvas.getContext("2d"), image = context.createImageData(width, height);
  m.paint = () => {
    for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) {
      const [x, y] = place(r, c);
      image.data.set([...m.shade?.(r, c) || colour(m.size(r * columns + c), m.top), 255], 4 * (y * width + x));
    }
    context.putImageData(image, 0, 0);
    from.textContent = number(-m.top);
    to.textContent = number(m.top);
    if (cell) under.textContent = `${m.index(...cell)} = ${m.text(cell[0] * columns + cell[1])}`;
  };
  const under = make("div", { class: "read mono", "aria-live": "polite" }, "point at a cell to read it");
  const mark = make("i", { class: "mark", hidden: "", style: `width:${wide}px;height:${high}px` });
  const from = make("span"), to = make("span");
  let cell = null;
  m.paint();
  const show = (r, c) => {
    cell = [r, c];
    under.textContent = `${m.index(r, c)} = ${m.text(r * columns + c)}`;
    m.point?.(r, c);
    mark.hidden = false;
    const step = canvas.clientWidth / width, [x, y] = place(r, c);
    mark.style.width = `${step}px`;
    mark.style.translate = `${x * step}px ${y * high}px`;
  };
  const inside = (i, n) => Math.max(0, Math.min(n - 1, i));
  canvas.addEventListener("pointermove", event => {
    const box = canvas.getBoundingClientRect(), at = (offset, length, n) => inside(Math.floor(offset / length * n), n);
    const x = at(event.clientX - box.left, box.width, width), y = at(event.clientY - box.top, box.height, height);
    const tile = Math.floor(y / (h + gap)) * across + Math.floor(x / (w + gap));
    show(inside(tile * h + Math.min(h - 1, y % (h + gap)), rows), inside(x % (w + gap), columns));
  });
  canvas.addEventListener("keydown", event => {
    const [dr, dc] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] || [];
    if (dr === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (cell) show(inside(cell[0] + dr, rows), inside(cell[1] + dc, columns)); else show(0, 0);
  });
  const ends = make("div", { class: "ends" }, from, make("i", { class: "scale", style: scale() }), to);
  return make("div", { class: "heat" }, canvas, mark, ends, under);
}

function part(indices, count, what) {
  const every = indices.length > 1 ? indices[1] - indices[0] : 1;
  if (indices.length === count) return `all ${count} ${what}`;
  const teen = every % 100 > 10 && every % 100 < 14, ending = teen ? "th" : ["th", "st", "nd", "rd"][every % 10] || "th";
  return `every ${every}${ending} of ${count} ${what}`;
}

function statistics(m) {
  if (m.min === null) return m.shape.includes(0) ? ["empty"] : ["no finite number"];
  const said = ["min", "max", "mean", "std"].map(name => `${name} ${m[name] === null ? "too large" : number(m[name])}`);
  if (m.zeros > 0) said.push(`${Math.round(m.zeros * 1000) / 10} % zeros`);
  return said.map(s => s.replaceAll(" ", "\u00a0"));
}

function histogram(m) {
  const top = Math.max(...m.bins), bar = 9;
  return make("svg", { class: "bins", width: bar * m.bins.length, height: 34, role: "img",
    "aria-label": `histogram of all ${m.shape.join(" × ")} numbers` },
    m.bins.map((n, i) => make("rect", { x: i * bar, y: 33 - 33 * n / top, width: bar - 1.5, height: Math.max(n ? 1 : 0, 33 * n / top) })));
}

function matrix(k, caption) {
  if (k == null) return make("figure", { "data-array": "" }, make("figcaption", {}, make("b", {}, caption)), make("p", { class: "quiet" }, "not used: no gradient"));
  const m = read(k), shown = figure(m, caption);
  shown.dataset.array = k;
  if (!m.whole) {
    shown.append(make("div", { class: "stats" }, `shown: ${part(m.rows, m.rowCount, "rows")}, ${part(m.columns, m.columnCount, "columns")}; below: the whole array`));
    if (m.bins) shown.append(histogram(m));
  }
  if (m.rowCount * m.columnCount > 24) shown.append(make("div", { class: "stats" }, statistics(m).join(" · ")));
  if (m.nan || m.inf) {
    shown.append(make("div", { class: "stats" }, make("em", {}, [m.nan && `${m.nan} nan`, m.inf && `${m.inf} infinite`].filter(Boolean).join(", "))));
  }
  return shown;
}

function figure(m, caption) {
  const shown = make("figure", {}, make("figcaption", {}, make("b", {}, caption), ` ${m.shape.length ? m.shape.join(" × ") : ""} `, m.dtype && make("span", { class: "quiet dtype" }, m.dtype)));
  if (m.rows.length && m.columns.length) {
    const small = m.columns.length <= 10 && m.rows.length * m.columns.length <= 960;
    shown.append(small && !tiling(m).gap ? table(m) : heat(m, caption));
  }
  return shown;
}

function matrices(list, caption) {
  return list.map((k, i) => matrix(k, list.length > 1 ? `${caption}[${i}]` : caption));
}

// Matrices with signs between them, each sign beside what follows it.
function terms(...list) {
  return make("div", { class: "row" }, list.flatMap(([sign, figures]) => figures.map((figure, i) =>
    make("div", { class: "term" }, !i && sign && make("span", { class: "sign" }, sign), figure))));
}

// What stands between backticks in a docstring is code; `-=` stays on one line.
const prose = text => text.replaceAll("-=", "-\u2060=").split("`").map((part, i) => i % 2 ? make("code", {}, part) : part);
const unique = list => [...new Set(list)];
const partial = n => `∂L/∂${n.name}`;

// --- the panel -----------------------------------------------------------------------------------

function heading(n, label, said, from = n) {
  return [
    make("div", {}, make("span", { class: "phase" }, label), " ", make("span", { class: "quiet" }, said)),
    make("h2", {}, n.title),
    make("p", { class: "quiet" }, prose([n.doc, n.module && `in ${n.module}`, shapeText(n.shape)].filter(Boolean).join(" · ")), n.dtype && make("span", { class: "dtype" }, ` · ${n.dtype}`)),
    captions(n), (state.at || state.chosen !== null) && n.findings.map(f => told(f)),
    from.place && make("p", { class: "source" }, `${from.place}  `, make("code", {}, from.code)),
  ];
}

// What was said of a node, and of the modules that it is in.
function captions(n) {
  const around = picture.around(nodes.indexOf(n)).map(k => picture.groups[k]).filter(g => g.note);
  return [n.note && make("p", { class: "caption" }, n.note), around.map(g => make("p", { class: "caption" }, make("b", {}, g.title), `: ${g.note}`))];
}

// A finding as sentences; in the list of all, with the way to its node.
function told(f, from) {
  const button = from && f.node !== undefined && make("button", { type: "button" }, `to ${nodes[f.node].name}`);
  if (button) button.onclick = () => pick(f.node);
  return make("div", { class: "finding" }, make("b", {}, f.kind), f.place && ` at ${f.place}`, ": ", prose(f.what.replace(/\.?$/, ".")),
    f.remedy && [" ", prose(f.remedy)], button && [" ", button]);
}

function values(n) {
  if (n.text != null) return [make("code", {}, n.text)];
  if (!n.value.length) return [make("p", { class: "quiet" }, "its value was not recorded")];
  return matrices(n.value, n.name);
}

const ABOUT = "This page goes through a recorded run of your program, op by op: forward in the order in which the lines ran, "
  + "then backward from the result, rule by rule, then the updates of the parameters. Next, or the right arrow key, goes on; "
  + "a box of the graph leads to its step.";

function forwardPanel(n) {
  const inputs = n.inputs.filter(i => nodes[i].text == null);
  return [
    state.at === 0 && [make("p", { class: "note" }, ABOUT),
      run.findings.length > 0 && make("h3", {}, run.findings.length > 1 ? `${run.findings.length} findings` : "1 finding"), run.findings.map(f => told(f, true))],
    state.at === 0 && run.refused && make("p", { class: "note" }, make("b", {}, "The step can't run in this page: "), run.refused),
    make("div", { class: "rule" }, n.formula),
    make("h3", {}, inputs.length > 1 ? "inputs → output" : "input → output"),
    terms(["", unique(inputs).flatMap(i => values(nodes[i]))], ["→", values(n)]),
  ];
}

// Where a value was used several times, its gradient is the sum of what came from each use.
function incoming(i, at) {
  const n = nodes[i], came = arrivals[i].filter(a => a.step <= at && a.from !== null);
  if (came.length < 2) return terms(["", matrices(n.gradient, partial(n))]);
  const last = came[came.length - 1].flow, complete = last.of === last.nth;
  return terms(
    ...came.map((a, j) => [j ? "+" : "", matrices(a.flow.contribution, `from ${nodes[a.from].name}`)]),
    ["=", complete ? matrices(n.gradient, partial(n)) : matrices(last.total, "so far")]);
}

function seedPanel(n) {
  const one = n.gradient.length === 1 && read(n.gradient[0]).rowCount * read(n.gradient[0]).columnCount === 1 && read(n.gradient[0]).text(0) === "1";
  return [
    make("div", { class: "rule" }, one ? `∂L/∂${n.name} = 1` : `∂L/∂${n.name} was given to backward()`),
    make("p", { class: "note" }, `Backward starts at the output: ${one ? `${n.name} is L, and L changes by as much as itself. ` : ""}`
      + "From here each op runs its local rule once, the newest op first, so that every gradient is complete before it is passed on."),
    terms(["", matrices(n.gradient, partial(n))]),
  ];
}

function ruleBox(formula, numpy) {
  return make("div", { class: "rule" },
    formula && make("div", { class: "formula" }, formula),
    numpy.length > 0 && make("div", { class: "np" }, make("span", {}, "NumPy"), make("pre", {}, numpy.join("\n"))));
}

// Its last line is the gradient; before it stand the variables of the rule.
function gradientFormula(flow) {
  const lines = flow.formula ? flow.formula.split("\n") : [];
  if (lines.length) lines.push(`∂L/∂${nodes[flow.to].name} ${flow.of > 1 ? "+=" : "="} ${lines.pop()}`);
  return lines.join("\n");
}

function whereText(pairs) {
  return pairs.length > 0 && make("p", { class: "where" }, pairs.flatMap(([name, value], i) => [i ? ", " : "", make("code", {}, name), ` is ${value}`]));
}

function flowPanel(flow, step) {
  const to = nodes[flow.to], several = flow.of > 1, into = several ? `to ${to.name}` : partial(to);
  const sum = [["", matrices(flow.contribution, into)]];
  if (flow.nth > 1) {
    const before = arrivals[flow.to].filter(a => a.flow)[flow.nth - 2].flow;
    sum[0][0] = "+";
    sum.unshift(["", matrices(before.total, "so far")]);
    sum.push(["=", matrices(flow.total, flow.nth === flow.of ? partial(to) : "running sum")]);
  }
  const others = arrivals[flow.to].filter(a => a.flow && a.flow !== flow);
  const waiting = unique(others.filter(a => a.flow.nth > flow.nth).map(a => a.step === state.at ? "the other rule of this op"
    : `${nodes[a.from].name} (step ${a.step + 1})`));
  return make("div", { class: "into" },
    make("h3", {}, "to ", make("b", {}, to.name), several ? `: contribution ${flow.nth} of ${flow.of}` : ""),
    ruleBox(gradientFormula(flow), flow.numpy),
    whereText(flow.where),
    flow.helpers.map(([name, doc]) => make("p", { class: "where" }, make("code", {}, name), ": ", prose(doc))),
    flow.summed && make("p", { class: "where" }, `Summed from ${shapeText(flow.summed[0])} to ${shapeText(flow.summed[1])}: ${to.name} was stretched over these axes in forward.`),
    terms(...sum),
    several && make("p", { class: "note" }, waiting.length
      ? `${to.name} was used ${flow.of} times, and gradients add. Its own turn comes when the rest has arrived: from ${waiting.join(" and ")}.`
      : `${to.name} was used ${flow.of} times: the gradients of all its uses add up, and now the sum is complete.`));
}

function backwardPanel(n, step, i) {
  const silent = unique(n.inputs).filter(i => nodes[i].text == null && !step.flows.some(f => f.to === i));
  return [
    make("h3", {}, "incoming gradient"), incoming(i, state.at),
    step.flows.map(flow => flowPanel(flow, step)),
    silent.map(i => make("p", { class: "quiet" }, `${nodes[i].name}: no gradient flows to it.`)),
    n.kinks && make("p", { class: "quiet" }, `Where the derivative is not unique: ${n.kinks}.`),
  ];
}

// What an optimizer made of a gradient; of a write of the user's own, its line stands above.
function updatePanel(n, step) {
  const found = [];
  if (step.by) {
    found.push(make("p", { class: "note" }, make("code", {}, step.by), " ", prose(step.doc)), ruleBox(null, step.numpy),
      whereText(step.reads));
    if (step.note) found.push(make("p", { class: "where" }, step.note));
  }
  found.push(make("h3", {}, "the gradient"), terms(["", matrices(step.gradient, step.label)]));
  found.push(make("h3", {}, "the parameter"), terms(["", matrices(step.before, `${n.name} before`)],
    ...(step.change ? [["−", matrices(step.change, "change")], ["=", matrices(step.after, n.name)]] : [["→", matrices(step.after, n.name)]])));
  for (const [name, before, after] of step.state || []) {
    found.push(make("h3", {}, "the optimizer's ", make("b", {}, name)),
      terms(["", matrices(before, `${name} before`)], ["→", matrices(after, name)]));
  }
  return found;
}

function leafPanel(i) {
  const n = nodes[i], came = arrivals[i].filter(a => a.step <= state.at), moves = stepOf.update[i];
  const found = [make("h3", {}, "value"), terms(["", values(n)])];
  if (n.text != null) return found;
  if (!n.needs) found.push(make("p", { class: "quiet" }, "It needs no gradient."));
  else if (!arrivals[i].length) found.push(make("p", { class: "quiet" }, "No gradient reached it."));
  else if (!came.length) found.push(make("p", { class: "quiet" }, `Its gradient is not computed yet: it comes at step ${arrivals[i][0].step + 1}.`));
  else found.push(make("h3", {}, "gradient"), incoming(i, state.at));
  if (moves > state.at) found.push(make("p", { class: "quiet" }, `It is updated at step ${moves + 1}.`));
  return found;
}

function sentence(step) {
  const n = nodes[step.node];
  if (step.phase === "forward") return `forward: ${n.formula}`;
  if (step.phase === "seed") return `backward starts at ${n.name}`;
  if (step.phase === "update") return `update of ${n.name}${step.by ? ` by ${step.by}` : ""}`;
  return `backward through ${n.title}: gradient to ${step.flows.map(f => nodes[f.to].name).join(" and ") || "nothing"}`;
}

// --- drawing a step ------------------------------------------------------------------------------

const graph = $("graph"), details = $("details");
const picture = graphOf(run, make, i => arrivals[i].filter(a => a.flow).length);
graph.append(picture.svg);

function drawGraph(step) {
  const flows = step.flows || [], now = picture.seen(step.node), seen = list => new Set(list.map(picture.seen));
  const marks = { now: new Set([now]), chosen: new Set(state.chosen === null ? [] : [picture.seen(state.chosen)]),
    read: seen(step.phase === "forward" ? nodes[step.node].inputs : []), sent: seen(flows.map(f => f.to)) };
  for (const [ref, g] of picture.boxes) {
    const group = ref >= nodes.length, all = group ? picture.inside[ref - nodes.length] : [ref], ops = all.filter(i => nodes[i].op);
    const looks = { todo: ops.length > 0 && !ops.some(i => computed(i, state.at)), moved: all.some(i => stepOf.update[i] <= state.at) };
    for (const name in marks) looks[name] = marks[name].has(ref);
    const came = group ? looks.now && nodes[step.node].title : arrivals[ref].filter(a => a.step <= state.at).length;
    const before = g.looks;
    g.looks = Object.values(looks).concat(came).join();
    if (g.looks === before) continue; // of thousands of boxes few change
    for (const name in looks) g.classList.toggle(name, looks[name]);
    if (looks.now) g.setAttribute("aria-current", "step"); else g.removeAttribute("aria-current");
    const badge = g.querySelector(".badge"), total = group || arrivals[ref].length;
    if (group) picture.say(ref - nodes.length, came);
    if (!badge) continue;
    badge.classList.toggle("some", came > 0 && came < total);
    badge.classList.toggle("all", total > 0 && came === total);
    if (total > 1) badge.querySelector("text").textContent = `${came}/${total}`;
  }
  picture.light(step.phase === "forward" ? step.node : null, step.node, flows.map(f => f.argument));
}

function follow(i, far) {
  const g = picture.boxes.get(picture.seen(i)).getBoundingClientRect(), pane = graph.getBoundingClientRect();
  const margin = Math.min(110, pane.height / 4);
  const off = g.top < pane.top + margin || g.bottom > pane.bottom - margin || g.left < pane.left || g.right > pane.right;
  if (off) graph.scrollBy({ top: (g.top + g.bottom - pane.top - pane.bottom) / 2, left: (g.left + g.right - pane.left - pane.right) / 2, behavior: calm.matches || far ? "auto" : "smooth" });
}

function draw() {
  const step = steps[state.at], n = nodes[step.node], here = phase(step);
  const next = phases[(phases.indexOf(here) + 1) % phases.length];
  document.body.dataset.phase = here;
  drawGraph(step);
  const where = `step ${state.at + 1} of ${steps.length}`;
  if (state.chosen !== null) {
    details.replaceChildren(...[heading(nodes[state.chosen], nodes[state.chosen].kind, `at ${where}; Escape returns to it`), leafPanel(state.chosen)].flat(3).filter(Boolean));
  } else {
    const panels = { forward: forwardPanel, seed: seedPanel, backward: backwardPanel, update: updatePanel };
    const panel = panels[step.phase](n, step, step.node);
    details.replaceChildren(...[heading(n, here, where, here === "update" ? step : n), panel].flat(3).filter(Boolean));
  }
  $("slider").value = state.at + 1;
  $("slider").setAttribute("aria-valuetext", `${where}, ${sentence(step)}`);
  $("turn").textContent = `To ${next}`;
  $("turn").title = next[0].toUpperCase();
  $("position").textContent = `${here} ${state.at + 1} / ${steps.length}`;
  $("said").textContent = `${where}, ${sentence(step)}`;
  for (const id of ["first", "back"]) $(id).disabled = state.at === 0;
  for (const id of ["last", "next"]) $(id).disabled = state.at === steps.length - 1;
  page.live?.moved();
}

// --- controls ------------------------------------------------------------------------------------

function go(i) {
  const before = state.at;
  state.at = Math.max(0, Math.min(steps.length - 1, i));
  state.chosen = null;
  draw();
  if (before !== state.at) details.scrollTop = 0;
  follow(steps[state.at].node, Math.abs(state.at - before) > 1);
  link();
}

// What is open is part of the link once the reader has changed it, and so are the ways to look at the page.
let changed = false;
const LOOKS = ["simple", "large"];
function link() {
  const open = changed ? `&open=${[...picture.open].filter(k => k).join(".")}` : "";
  const looks = LOOKS.filter(look => document.body.classList.contains(look)).map(look => `&${look}`).join("");
  try { history.replaceState(null, "", `#step=${state.at + 1}${open}${looks}`); } catch { /* some browsers forbid it on files */ }
}

function showPlaying(on) {
  $("play").classList.toggle("playing", on);
  $("play").lastElementChild.textContent = on ? "Pause" : "Play";
}

function stop() {
  clearTimeout(state.timer);
  state.timer = null;
  showPlaying(false);
}

function tick() {
  state.timer = setTimeout(() => {
    go(state.at + 1);
    if (state.at < steps.length - 1) tick(); else stop();
  }, 1500 / Number($("speed").value));
}

function play() {
  if (state.timer !== null) { stop(); return; }
  if (state.at === steps.length - 1) go(0);
  showPlaying(true);
  tick();
}

function pick(i) {
  stop();
  const turned = phase(steps[state.at]) !== "forward";
  const there = stepOf[phase(steps[state.at])][i] ?? (turned ? stepOf.backward[i] : undefined) ?? stepOf.forward[i];
  if (there !== undefined) { go(there); return; }
  state.chosen = i;
  draw();
  details.scrollTop = 0;
}

const act = i => () => { stop(); go(i()); };
const keys = {
  ArrowRight: act(() => state.at + 1), ArrowLeft: act(() => state.at - 1), Home: act(() => 0), End: act(() => steps.length - 1),
  " ": play, Escape: () => { state.chosen = null; draw(); },
};
for (const name of phases) keys[name[0]] = act(() => start[name]);
$("first").onclick = keys.Home;
$("back").onclick = keys.ArrowLeft;
$("next").onclick = keys.ArrowRight;
$("last").onclick = keys.End;
$("turn").onclick = () => keys[$("turn").title.toLowerCase()]();
$("turn").hidden = phases.length < 2;
$("updated").hidden = !("update" in start);
$("found").hidden = !run.findings.length;
$("play").onclick = play;
$("slider").max = steps.length;
$("slider").oninput = event => { stop(); go(Number(event.target.value) - 1); };
for (const name of ["backward", "update"]) {
  const at = name in start ? 100 * Math.max(0, start[name] - 0.5) / Math.max(1, steps.length - 1) : 100;
  $("slider").parentNode.style.setProperty(`--${name}-from`, `${at}%`);
}

// Open or close a group; what was clicked stays where it is.
function fold(k, focus) {
  const mark = () => (picture.open.has(k) ? picture.title(k) : picture.boxes.get(nodes.length + k));
  const before = mark().getBoundingClientRect();
  picture.toggle(k);
  draw();
  const after = mark().getBoundingClientRect();
  graph.scrollBy({ top: after.top - before.top, left: after.left - before.left });
  if (focus) mark().focus({ preventScroll: true });
  $("said").textContent = `${picture.groups[k].title} is ${picture.open.has(k) ? "open" : "closed"}`;
  changed = true;
  link();
}

function foldAll(list) {
  picture.setOpen(list);
  draw();
  follow(steps[state.at].node, true);
  changed = true;
  link();
}

// The innermost open group around this step, and the outermost closed one.
const around = () => picture.around(steps[state.at].node);
const inner = () => around().filter((k, i, way) => k && way.slice(0, i + 1).every(p => picture.open.has(p))).at(-1);
keys.o = () => { const k = around().find(k => !picture.open.has(k)); if (k) fold(k); };
keys.c = () => { const k = inner(); if (k) fold(k); };
$("open").onclick = () => foldAll(picture.groups.keys());
$("close").onclick = () => foldAll([]);
$("open").hidden = $("close").hidden = picture.groups.length < 2;

function press(event) {
  const g = event.target.closest("[data-node], [data-group]");
  if (!g) return false;
  if (g.dataset.node) (page.live?.pick || pick)(+g.dataset.node); else fold(+g.dataset.group, true);
  return true;
}
graph.addEventListener("click", press);
graph.addEventListener("keydown", event => {
  if ((event.key === "Enter" || event.key === " ") && press(event)) { event.preventDefault(); event.stopPropagation(); }
});

addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || ["INPUT", "SELECT"].includes(event.target.tagName)) return;
  if (event.key === " " && event.target.tagName === "BUTTON") return;
  // A wide table scrolls by the arrows; with Shift or Caps Lock a letter is the same key.
  if (event.target.classList.contains("scroll") && event.key.startsWith("Arrow")) return;
  const action = (page.live?.keys || keys)[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (action) { event.preventDefault(); action(); }
});

function theme(name) {
  document.documentElement.dataset.theme = name;
  palette = null;
  $("scale").style = scale();
}
const dark = matchMedia("(prefers-color-scheme: dark)");
const redraw = name => { theme(name); draw(); };
dark.addEventListener("change", () => redraw(dark.matches ? "dark" : "light"));
$("theme").onclick = () => redraw(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
// A page around this one says when it turns light or dark.
addEventListener("message", ({ data }) => { if (["light", "dark"].includes(data?.theme)) redraw(data.theme); });
theme(dark.matches ? "dark" : "light");

const linked = () => (Number(/step=(\d+)/.exec(location.hash)?.[1]) || 1) - 1;
function look(name, on) {
  document.body.classList.toggle(name, on);
  $(name).setAttribute("aria-pressed", on);
}
for (const name of LOOKS) {
  keys[name[0]] = $(name).onclick = () => { look(name, !document.body.classList.contains(name)); follow(steps[state.at].node, true); link(); };
}

function followLink() {
  for (const name of LOOKS) look(name, new RegExp(`[#&]${name}(&|$)`).test(location.hash));
  const open = /open=([^&]*)/.exec(location.hash)?.[1];
  changed = open !== undefined;
  picture.setOpen(changed ? open.split(".").map(Number) : picture.first());
  act(linked)();
}
addEventListener("hashchange", followLink);
followLink();
