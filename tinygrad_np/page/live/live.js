// The live mode, last part: tables of numbers, what happens at a click or a key, training and the film.
// --- tables ----------------------------------------------------------------------------------------

let tables = [];
const ROWS = 12, CELLS = 400;
// At most six characters, for a cell.
function short(x) {
  const size = Math.abs(x);
  if (!Number.isFinite(x) || Number.isInteger(x) || size >= 1000) return number(x);
  return (size < 5e-4 ? x.toExponential(0) : x.toFixed(size < 1 ? 3 : size < 10 ? 2 : 1)).replace(/-/g, "−");
}
function shown(n, caption = n.name) {
  const { view, shape } = n, columns = shape.length ? shape.at(-1) : 1, count = size(shape) / (columns || 1);
  const most = columns > 10 ? Math.max(1, Math.min(count, Math.floor(4000 / columns))) : Math.max(ROWS, Math.min(count, Math.floor(CELLS / columns)));
  const first = Math.max(0, Math.min(count - most, state.point - (most >> 1)));
  const rows = count > most ? Array.from({ length: most }, (_, k) => first + k) : null;
  const m = windowOf(shape, rows, null), places = new Int32Array(m.rows.length * m.columns.length);
  m.rows.forEach((r, i) => {
    const lead = indexOf(r, shape.slice(0, -1));
    m.columns.forEach((c, j) => { places[i * m.columns.length + j] = at(view, shape.length ? [...lead, c] : [])[1]; });
  });
  const place = (r, c) => [view[0], places[r * m.columns.length + c]];
  m.size = i => memory[view[0]][places[i]];
  m.text = i => short(m.size(i));
  m.cell = (td, r, c) => {
    const q = place(r, c);
    if (!td.onpointerenter) listen(td, q, n);
    td.classList.toggle("from", state.marks.has(key(q)));
    td.classList.toggle("at", state.cell !== null && key(q) === key(state.cell));
  };
  m.point = (r, c) => hover(place(r, c));
  m.shade = (r, c) => state.marks.has(key(place(r, c))) && rgb(css("--mark"));
  m.top = largest(m);
  m.paint = () => {}; // of an array without elements
  const f = figure(m, caption), drawn = f.querySelector("canvas");
  drawn?.addEventListener("pointerleave", () => { hover(null); f.querySelector(".mark").hidden = true; });
  drawn?.addEventListener("click", () => isEditable(n) && state.hover && choose(state.hover));
  drawn?.addEventListener("keydown", e => { if (e.key === "Enter" && isEditable(n) && state.hover) choose(state.hover); });
  tables.push(m);
  return f;
}
const rowOf = (n, i) => ({ ...n, shape: n.shape.slice(1), view: [n.view[0], at(n.view, [i, 0])[1], n.shape.slice(1), n.view[3].slice(1)] });
const isEditable = n => n.role === "value" && !writers.has(n.view[0]);
function listen(td, place, n) {
  td.tabIndex = 0;
  td.onpointerenter = td.onfocus = () => hover(place);
  td.onpointerleave = td.onblur = () => hover(null);
  if (!isEditable(n)) return;
  td.classList.add("edit");
  td.onclick = () => choose(place);
  td.onkeydown = e => {
    const turn = { ArrowUp: 1, ArrowDown: -1 }[e.key] * (isWhole(place) ? 1 : .05);
    if (e.key === "Enter") choose(place);
    if (!turn) return;
    e.preventDefault();
    e.stopPropagation();
    if (!state.cell || key(state.cell) !== key(place)) choose(place);
    turnTo(value(place) + turn);
  };
}
function button(text, title, act) {
  const b = make("button", { type: "button", class: "tiny", "aria-label": title }, text);
  b.onclick = act;
  return b;
}
const ofNode = i => names.filter(n => n.node === i && n.role !== "inner");
function layTables() {
  tables = [];
  if (plane) {
    const { rows } = plane, i = state.point, other = d => () => { state.point = (i + d + rows) % rows; show(true); };
    const label = targets()[i], kind = plane.classes ? [", class ", make("b", { style: `color:${hue(label)}` }, String(label))] : [];
    $("way-title").replaceChildren(`Point ${i} on its way`, ...kind, " ", button("◀", "Previous point", other(-1)), button("▶", "Next point", other(1)));
    const way = live.way.map(k => names[k]);
    $("way").replaceChildren(...way.map((n, k) => make("div", { class: "leg" }, k > 0 && make("span", { class: "arrow" }, "→"), shown(rowOf(n, i), `${n.name}[${i}]`))));
  }
  const pairs = (state.shown === null ? live.parameters : [state.shown]).map(ofNode);
  $("tables-title").replaceChildren(state.shown === null ? "Parameters and their gradients" : `${pairs[0][0]?.name} and its gradient`,
    " ", ...(state.shown === null ? [] : [button("all parameters", "All parameters", () => select(null))]));
  $("tables").replaceChildren(...pairs.map(pair => make("div", { class: "row pair" }, pair.map(n => shown(n)))));
}

// --- what happens ----------------------------------------------------------------------------------

function hover(place) {
  state.hover = place;
  state.told = place && told(place);
  present();
  state.marks = new Set(state.told ? state.told.from.map(key) : []);
  const lines = state.told?.lines || [], box = $("origin"), n = place && owner(place), line = state.told?.lines.length ? live.program.at[state.told.loop] : null;
  const hint = "Point at a number: it is written out here what it was computed from, and that is framed. At a gradient that is a sum over the points, their sizes are their shares. Click a parameter to turn it, drag a point, click a box of the graph for its numbers.";
  box.replaceChildren(make("h3", {}, "Where it comes from"), ...lines,
    ...(live.program.codes[line] ? [make("div", { class: "source" }, live.program.places[line], " ", make("code", {}, live.program.codes[line]))] : []),
    ...(n && !lines.length ? [make("div", { class: "eq" }, make("b", {}, written(n)), ` = ${number(value(place))}: given${isEditable(n) ? ". Click to turn it" : ""}`)] : []),
    ...(place ? [] : [make("div", { class: "quiet" }, hint)]));
  const sources = new Set((state.told?.from || []).slice(0, 600).map(q => owner(q)?.node).filter(i => i != null));
  for (const { i, g } of boxes()) g.classList.toggle("source", sources.has(i));
  for (const m of tables) m.paint();
  if (plane?.alone && columnOf(unit()) !== plane.said) paintPlane();
  drawPlane();
}
function compute() {
  try { program.run(); state.trouble = ""; } catch (error) { state.trouble = error.message; stop(); }
}
// From here on, turning is measured from the number as it is now.
function settle() {
  if (!state.cell) return;
  state.base = value(state.cell);
  state.baseLoss = program.loss;
  state.slope = gradientAt(state.cell);
  if (Number.isFinite(state.base)) Object.assign($("dial"), { min: state.base - reach(), max: state.base + reach() });
}
// The number of a parameter that the loss depends on most.
function steepest(n) {
  const g = gradient(n), values = g ? program.read(g.view) : [0], best = values.reduce((k, x, i) => Math.abs(x) > Math.abs(values[k]) ? i : k, 0);
  return at(n.view, indexOf(best, n.shape));
}
function choose(place) {
  state.cell = place;
  settle();
  show();
}
function turnTo(x) {
  if (!state.cell || Number.isNaN(x)) return;
  stop();
  set(state.cell, x);
  compute();
  show();
}
function select(i) {
  state.shown = i;
  for (const { i: k, g } of boxes()) g.classList.toggle("shown", k === i);
  show(true);
}
const signed = x => (x >= 0 ? "+" : "") + number(x);
function facts() {
  const place = state.cell, list = $("facts"), now = place && value(place), delta = now - state.base, change = program.loss - state.baseLoss;
  const rows = place ? [["turned by Δ", `${delta ? signed(delta) : 0} → ${number(now)}`], ["gradient", state.slope === null ? "none: data" : number(state.slope)],
    ["gradient · Δ", state.slope === null ? "" : delta ? signed(state.slope * delta) : "0", "sum"], ["the loss moves by", delta ? signed(change) : "0", "sum"]] : [];
  list.replaceChildren(...rows.flatMap(([a, b, c]) => [make("dt", {}, a), make("dd", { class: c }, b)]));
  $("turned").textContent = place ? label(place) : "";
  $("put-back").hidden = !place || !delta;
  if (Number.isFinite(now)) $("dial").value = now;
  if (document.activeElement !== $("typed")) $("typed").value = Number.isFinite(now) ? Number(now.toPrecision(5)) : "";
}
function show(anew = false) {
  if (plane?.alone) sparing("plane", paintPlane);
  const bad = !Number.isFinite(program.loss);
  $("loss").textContent = number(program.loss);
  $("trouble").textContent = state.trouble || (bad ? "The loss is no number any more: the learning rate was too high, or a number was turned too far. Reset." : "");
  $("count").replaceChildren(`step ${state.steps.toLocaleString("en")}`, make("span", {}, state.pace ? ` · ${state.pace < 10 ? state.pace.toFixed(2) : Math.round(state.pace)} ms a step` : ""));
  sparing("slope", drawSlope);
  facts();
  showRate();
  if (anew) layTables(); else for (const m of tables) m.top = largest(m);
  if (anew || state.hover) hover(state.hover);
  else {
    for (const m of tables) m.paint();
    drawPlane();
  }
  drawCurve();
  sparing("thumbs", drawThumbs);
}
function train(count) {
  const begin = performance.now();
  try {
    for (let k = 0; k < count; k++) {
      program.step();
      state.losses.push([state.steps++, program.loss]);
    }
    state.trouble = "";
  } catch (error) { stop(); state.trouble = error.message; show(); return; }
  state.pace = (performance.now() - begin) / count;
  compute();
  settle();
  show();
  if (!Number.isFinite(program.loss)) stop();
}
function tick() {
  if (state.timer === null) return;
  train(Number($("pace").value));
  if (state.timer !== null) state.timer = requestAnimationFrame(tick);
}
function showTraining(on) {
  $("train").classList.toggle("playing", on);
  $("train").lastElementChild.textContent = on ? "Pause" : "Train";
}
function stop() {
  if (state.timer === null) return;
  cancelAnimationFrame(state.timer);
  state.timer = null;
  showTraining(false);
  show();
}
function play() {
  if (state.timer !== null) { stop(); return; }
  showTraining(true);
  state.timer = requestAnimationFrame(tick);
}
function restart(steps, losses) {
  stop();
  program.reset();
  setRate();
  Object.assign(state, { steps, losses, pace: 0, trouble: "" });
}
function reset() {
  restart(0, []);
  compute();
  settle();
  show();
}

// The film: the parameters as they were at recorded steps of a training.
const film = live.film && { ...live.film, numbers: new Float32Array(Uint8Array.from(atob(live.film.data), c => c.charCodeAt(0)).buffer) };
function showFrame(k) {
  restart(film.steps[k], film.steps.slice(0, k).map((s, i) => [s, film.losses[i]]));
  const each = film.numbers.length / film.steps.length;
  let from = k * each;
  for (const view of film.views) {
    program.write(view, film.numbers.subarray(from, from + size(view[2])));
    from += size(view[2]);
  }
  compute();
  settle();
  show();
}

// --- controls --------------------------------------------------------------------------------------

// Several rates, as of groups of parameters, keep their proportions.
const rates = live.rates.map(view => ({ view, own: value(view) })), first = rates.length ? rates[0].own : 0;
let rate = first;
function setRate() {
  for (const { view, own } of rates) set(view, rate === first ? own : first ? own * rate / first : rate);
}
function showRate() {
  if (rates.length) $("rate-now").textContent = number(Number(value(rates[0].view).toPrecision(2)));
}
const scaleOf = Math.log10(first > 0 ? first : 1);
$("rate-label").hidden = !rates.length;
Object.assign($("rate"), { min: scaleOf - 2, max: scaleOf + 1.5, value: scaleOf });
$("rate").oninput = e => { rate = 10 ** +e.target.value; setRate(); showRate(); compute(); };
$("train").onclick = play;
$("one").onclick = () => { stop(); train(1); };
$("reset").onclick = reset;
$("dial").oninput = e => turnTo(+e.target.value);
$("typed").onchange = e => { if (e.target.value !== "") turnTo(+e.target.value); };
$("put-back").onclick = () => turnTo(state.base);
if (film) {
  $("film-label").hidden = false;
  $("film").max = film.steps.length - 1;
  $("film").value = 0;
  $("film").oninput = e => { showFrame(+e.target.value); e.target.setAttribute("aria-valuetext", `step ${film.steps[+e.target.value]}`); };
}

// Points are chosen, and dragged.
$("plane-card").hidden = !plane;
function nearest(event) {
  const box = $("plane").getBoundingClientRect(), xs = program.read(plane.x);
  const x = plane.cx + ((event.clientX - box.left) / box.width * 2 - 1) * plane.span, y = plane.cy - ((event.clientY - box.top) / box.height * 2 - 1) * plane.span;
  let best = 0, distance = Infinity;
  for (let i = 0; i < plane.rows; i++) { const d = Math.hypot(xs[2 * i] - x, xs[2 * i + 1] - y); if (d < distance) { distance = d; best = i; } }
  return { best, x, y, near: distance < plane.span / 8 };
}
let held = null;
$("plane").addEventListener("pointerdown", e => {
  const { best, near } = nearest(e);
  if (!near) return;
  held = state.point = best;
  $("plane").setPointerCapture(e.pointerId);
  show(true);
});
$("plane").addEventListener("pointermove", e => {
  if (held === null) return;
  const { x, y } = nearest(e);
  set(at(plane.x, [held, 0]), x);
  set(at(plane.x, [held, 1]), y);
  compute();
  settle();
  show();
});
for (const end of ["pointerup", "pointercancel"]) $("plane").addEventListener(end, () => { held = null; });
$("plane").addEventListener("keydown", e => {
  const d = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[e.key];
  if (!d) return;
  e.preventDefault();
  e.stopPropagation();
  state.point = (state.point + d + plane.rows) % plane.rows;
  show(true);
});

function mode(name) {
  stop();
  page.live = name === "live" ? { pick: i => select(state.shown === i ? null : i), moved: drawThumbs, keys } : null;
  document.body.dataset.mode = name;
  for (const b of $("modes").children) b.setAttribute("aria-pressed", b.dataset.mode === name);
  if (name === "live") show(true);
}
for (const b of $("modes").children) b.onclick = () => mode(b.dataset.mode);
const keys = { " ": play, ArrowRight: () => { stop(); train(1); }, r: reset, Escape: () => select(null) };
new MutationObserver(() => { if (page.live) show(true); }).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
const resized = new ResizeObserver(() => { if (page.live) { drawPlane(); drawCurve(); drawSlope(); drawThumbs(); } });
for (const id of ["plane", "curve", "slope", "graph"]) resized.observe($(id));

setRate();
compute();
const begin = performance.now();
program.run(0, live.forward);
state.forward = performance.now() - begin;
compute();
if (plane) {
  spread();
  plane.alone = seesRowsAlone();
  compute();
  plane.top = Math.max(...targets().map(v => Math.abs(v - plane.middle)).filter(Number.isFinite), 1e-9);
}
state.cell = steepest(names[live.first]);
settle();
window.livePage = { program, state, names, origin, stands, kernels: K, plane, train, turnTo, choose, hover, select, showFrame, reset };
mode(/step=/.test(page.link) ? "steps" : "live");
