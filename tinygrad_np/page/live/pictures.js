// The live mode, second part: the plane, the loss, the slope of a number, and small pictures in the graph.

const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const rgb = hex => hex.slice(1).match(hex.length > 4 ? /../g : /./g).map(h => parseInt(h.padEnd(2, h), 16));
// Told apart by the colour-blind (Paul Tol's high-contrast and bright schemes); markers tell, too.
const CLASSES = [["#004488", "#6699cc"], ["#ddaa33", "#eecc66"], ["#bb5566", "#ee99aa"], ["#228833", "#55bb66"], ["#66ccee", "#66ccee"], ["#aa3377", "#dd77bb"], ["#777777", "#bbbbbb"]];
const isDark = () => document.documentElement.dataset.theme === "dark";
const hue = c => CLASSES[c % CLASSES.length][+isDark()];

// Where to draw on a canvas that is so large, in pixels of the page.
function cleared(c, w, h, ratio) {
  const [width, height] = [w, h].map(x => Math.round(x * ratio)), g = c.getContext("2d");
  if (c.width !== width || c.height !== height) Object.assign(c, { width, height });
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, w, h);
  return g;
}
function canvas(id) {
  const c = $(id), w = c.clientWidth, h = c.clientHeight, g = cleared(c, w, h, devicePixelRatio || 1);
  g.font = "11px system-ui, 'DejaVu Sans', sans-serif";
  return [g, w, h];
}

// What takes long is drawn less often: at most a fifth of the time goes to it. While nothing trains, the last one follows.
const due = new Map(), late = new Map();
function sparing(name, draw) {
  const now = performance.now(), wait = (due.get(name) || 0) - now;
  clearTimeout(late.get(name));
  if (wait > 0) {
    if (state.timer === null) late.set(name, setTimeout(() => { draw(); drawPlane(); }, wait));
    return;
  }
  draw();
  const end = performance.now();
  due.set(name, end + 4 * (end - now));
}

// The plane: the rows of the data are replaced by points of a grid, and forward runs up to `view`.
const plane = live.plane && { ...live.plane, rows: live.plane.x[2][0], grid: 56 };
const tint = document.createElement("canvas");
function spread() {
  const xs = program.read(plane.x), range = axis => {
    let low = Infinity, high = -Infinity;
    for (let i = axis; i < xs.length; i += 2) if (Number.isFinite(xs[i])) { low = Math.min(low, xs[i]); high = Math.max(high, xs[i]); }
    return low <= high ? [(low + high) / 2, (high - low) / 2] : [0, 1];
  };
  const [[cx, rx], [cy, ry]] = [range(0), range(1)];
  Object.assign(plane, { cx, cy, span: 1.12 * (Math.max(rx, ry) || 1) });
}
// The numbers of a view with one row for each row of the data, at all points of the grid.
function overGrid(view, upto) {
  const { rows, grid, x, cx, cy, span } = plane, kept = program.read(x), width = size(view[2]) / rows;
  const points = new Float64Array(2 * rows), begin = performance.now(), out = new Float64Array(grid * grid * width);
  for (let from = 0; from < grid * grid; from += rows) {
    for (let k = 0; k < rows; k++) {
      const i = Math.min(from + k, grid * grid - 1);
      points[2 * k] = cx + ((i % grid + .5) / grid * 2 - 1) * span;
      points[2 * k + 1] = cy - ((Math.floor(i / grid) + .5) / grid * 2 - 1) * span;
    }
    program.write(x, points);
    if (!runs(upto)) break;
    out.set(program.read(view).subarray(0, Math.min(rows, grid * grid - from) * width), from * width);
  }
  program.write(x, kept);
  if (performance.now() - begin > 40) plane.grid = Math.max(20, plane.grid >> 1); // of a large net
  return [out, width];
}
// Rows that see each other, as in a batch norm, can't be points of a plane: here they come in the
// reverse order, one of them far away, and each of the others has to stay as it was.
function seesRowsAlone() {
  const { x, out, upto, rows, cx, cy, span } = plane, xs = program.read(x), turned = xs.map((_, i) => xs[2 * (rows - 1 - (i >> 1)) + i % 2]);
  turned.set([cx + 3 * span, cy - 3 * span]);
  runs(upto);
  const before = program.read(out), width = before.length / rows;
  program.write(x, turned);
  const isRunning = runs(upto), after = program.read(out);
  program.write(x, xs);
  const isSame = (v, i) => i >= width * (rows - 1) || Math.abs(v - after[(rows - 1 - Math.floor(i / width)) * width + i % width]) <= 1e-4 * (1 + Math.abs(v));
  return isRunning && before.every(isSame);
}
// The targets; of one-hot rows the class.
function targets() {
  const { labels, classes, rows } = plane, all = program.read(labels);
  const row = i => all.subarray(i * classes, (i + 1) * classes);
  return labels[2].length > 1 && classes ? Float64Array.from({ length: rows }, (_, i) => row(i).indexOf(Math.max(...row(i)))) : all;
}

// A place that a parameter's number goes into, in the first row: by a product from the right, or by a map.
function fed(place) {
  const reads = c => c[0] === "matmul" ? [c[7]] : c[0] === "map" ? c.slice(4) : [], isRead = v => v[0] === place[0];
  const c = code.slice(0, live.forward).find(c => reads(c).some(isRead));
  if (!c || c[0] === "matmul" && c[1].length) return null;
  const v = reads(c).find(isRead);
  if (c[0] === "matmul") {
    const index = indexIn([v[0], v[1], [c[3], c[4]], v[2]], place);
    return index && [c[5][0], c[5][1] + index[1] * c[5][2][1]];
  }
  const index = indexIn([v[0], v[1], v[2].map((s, k) => s ? c[2][k] : 1), v[2]], place);
  return index && [c[3][0], c[3][1] + dot(index, c[3][2])];
}
// The unit that is pointed at: a column of a value with a row for each point, or what a parameter feeds.
function unit() {
  let place = state.hover, n = place && owner(place);
  if (n && n.role === "value" && n.shape[0] !== plane.rows) {
    place = fed(place);
    n = place && owner(place);
  }
  return n && n.role === "value" && n.shape.length === 2 && n.shape[0] === plane.rows && n.view[0] !== plane.x[0] && n.until <= live.forward ? n : null;
}
for (const n of names) n.until = 1 + ((writers.get(n.view[0]) || []).filter(i => i < live.forward)[0] ?? live.forward);

const columnOf = unit => unit ? `${unit.name}[:, ${unit.index[1]}]` : "";
function paintPlane() {
  const { grid, classes } = plane, chosen = unit(), target = chosen ? chosen.view : plane.out;
  const [scores, width] = overGrid(target, chosen ? chosen.until : plane.upto);
  const image = new ImageData(grid, grid), panel = rgb(css("--panel")), column = chosen ? chosen.index[1] : 0;
  const weak = isDark() ? .2 : .12, more = isDark() ? .4 : .42, hues = classes ? Array.from({ length: classes }, (_, c) => rgb(hue(c))) : [];
  let top = 0;
  for (let i = column; i < scores.length; i += width) if (Number.isFinite(scores[i])) top = Math.max(top, Math.abs(scores[i] - (chosen ? 0 : plane.cut)));
  for (let i = 0; i < grid * grid; i++) {
    let mixed;
    if (chosen || !classes) mixed = colour(scores[i * width + column] - (chosen ? 0 : plane.cut), top || 1);
    else {
      const row = scores.subarray(i * width, i * width + classes), best = Math.max(...row);
      let sum = 0;
      mixed = [0, 0, 0];
      row.forEach((s, c) => { const e = Math.exp(s - best); sum += e; hues[c].forEach((h, k) => { mixed[k] += e * h; }); });
      const strength = weak + more * (1 / sum - 1 / classes) / (1 - 1 / classes);
      mixed = mixed.map((m, k) => panel[k] + (m / sum - panel[k]) * strength);
    }
    image.data.set([...mixed, 255], 4 * i);
  }
  plane.field = chosen ? { values: scores, width, column } : null;
  plane.said = columnOf(chosen);
  tint.width = tint.height = grid;
  tint.getContext("2d").putImageData(image, 0, 0);
  compute();
}
const toX = (x, w) => ((x - plane.cx) / plane.span + 1) / 2 * w, toY = (y, h) => (1 - (y - plane.cy) / plane.span) / 2 * h;
function drawPlane() {
  if (!plane) return;
  const [g, w, h] = canvas("plane"), xs = program.read(plane.x), out = program.read(plane.out), share = shares();
  const labels = targets(), { classes, rows, binary, cut, middle } = plane, width = out.length / rows;
  g.imageSmoothingEnabled = true;
  if (plane.alone) g.drawImage(tint, 0, 0, w, h);
  if (plane.field) zeroLine(g, w, h);
  let right = 0;
  for (let i = 0; i < rows; i++) {
    let best = 0;
    for (let c = 1; c < classes; c++) if (out[i * width + c] > out[i * width + best]) best = c;
    const kind = classes ? labels[i] : +(binary && labels[i] > middle);
    const isRight = classes ? best === kind : !binary || +(out[i] > cut) === kind;
    right += isRight;
    const x = toX(xs[2 * i], w), y = toY(xs[2 * i + 1], h);
    g.beginPath();
    marker(g, kind, x, y, share ? 1.5 + 9 * Math.sqrt(Math.abs(share[i]) / share.top) : rows > 400 ? 2.6 : 4);
    g.fillStyle = share ? `rgb(${colour(share[i], share.top)})` : classes ? hue(kind) : `rgb(${colour(labels[i] - middle, plane.top)})`;
    g.fill();
    g.lineWidth = 1.1;
    g.strokeStyle = css(share || !isRight || !classes && !binary ? "--ink" : "--panel");
    g.stroke();
    if (i === state.point) { g.beginPath(); g.arc(x, y, 9, 0, 7); g.lineWidth = 2.2; g.strokeStyle = css("--ink"); g.stroke(); }
  }
  $("right").textContent = share ? "sizes: shares" : plane.said || (classes || binary ? `${Math.round(1000 * right / rows) / 10} % right` : "");
}
// Where a unit is zero: the edge of its half of the plane.
function zeroLine(g, w, h) {
  const { grid } = plane, { values, width, column } = plane.field, v = (i, j) => values[(j * grid + i) * width + column] > 0;
  g.strokeStyle = css("--ink");
  g.lineWidth = 1.6;
  g.beginPath();
  for (let j = 0; j < grid; j++) for (let i = 0; i < grid; i++) {
    if (i + 1 < grid && v(i, j) !== v(i + 1, j)) { g.moveTo((i + 1) / grid * w, j / grid * h); g.lineTo((i + 1) / grid * w, (j + 1) / grid * h); }
    if (j + 1 < grid && v(i, j) !== v(i, j + 1)) { g.moveTo(i / grid * w, (j + 1) / grid * h); g.lineTo((i + 1) / grid * w, (j + 1) / grid * h); }
  }
  g.stroke();
}
function marker(g, kind, x, y, s) {
  if (kind % 3 === 0) g.arc(x, y, s, 0, 7);
  else if (kind % 3 === 1) g.rect(x - s * .88, y - s * .88, 1.76 * s, 1.76 * s);
  else { g.moveTo(x, y - 1.2 * s); g.lineTo(x + 1.1 * s, y + .8 * s); g.lineTo(x - 1.1 * s, y + .8 * s); g.closePath(); }
}
// Of a number that is a sum over the points: what each of them adds.
function shares() {
  const found = state.hover && state.told;
  if (found?.worth?.length !== plane.rows) return null;
  return Object.assign(found.worth, { top: Math.max(1e-300, ...found.worth.map(Math.abs)) });
}

function axes(g, w, h, left, bottom, ticksY, ticksX, x, y) {
  g.strokeStyle = css("--line");
  g.lineWidth = 1;
  g.fillStyle = css("--quiet");
  g.textAlign = "right";
  g.textBaseline = "middle";
  for (const v of ticksY) { const p = Math.round(y(v)) + .5; g.beginPath(); g.moveTo(left, p); g.lineTo(w, p); g.stroke(); g.fillText(number(v), left - 5, p); }
  g.textAlign = "center";
  g.textBaseline = "top";
  for (const v of ticksX) {
    const text = number(Number(v.toPrecision(3))), half = g.measureText(text).width / 2;
    g.fillText(text, Math.max(left - 8 + half, Math.min(w - half - 1, x(v))), h - bottom + 5);
  }
}
const room = (g, marks) => Math.max(30, ...marks.map(v => g.measureText(number(v)).width)) + 9;
// Round numbers within a range, about this many of them.
function ticks(low, high, count) {
  const step = 10 ** Math.floor(Math.log10((high - low) / count)), every = [1, 2, 5, 10].find(m => (high - low) / (step * m) <= count + .5) * step;
  const list = [];
  for (let k = Math.ceil(low / every); k * every <= high && list.length < 20; k++) list.push(Number((k * every).toPrecision(12)));
  return list;
}
function drawCurve() {
  const [g, w, h] = canvas("curve"), now = [state.steps, program.loss], filmed = film ? film.steps.map((s, k) => [s, film.losses[k]]) : [];
  const drawn = [...state.losses, now], all = [...drawn, ...filmed].filter(([, v]) => Number.isFinite(v)), bottom = 18;
  const last = Math.max(20, ...filmed.map(([s]) => s), state.steps), values = all.map(([, v]) => v);
  let low = Math.min(...values), high = Math.max(...values);
  if (!all.length) [low, high] = [0, 1];
  const logarithmic = low > 0 && high / low > 8, scale = logarithmic ? Math.log10 : v => v;
  if (high - low < 1e-9 * Math.abs(high) + 1e-12) { low -= .05 * Math.abs(low) + 1e-6; high += .05 * Math.abs(high) + 1e-6; }
  const pad = .06 * (scale(high) - scale(low)), [a, b] = [scale(low) - pad, scale(high) + pad];
  let marks = [];
  if (logarithmic) for (let e = Math.floor(a); e <= b; e++) for (const m of b - a > 1.6 ? [1] : [1, 2, 5]) marks.push(m * 10 ** e);
  marks = logarithmic ? marks.filter(v => scale(v) >= a && scale(v) <= b) : ticks(a, b, 4);
  const left = room(g, marks), y = v => 5 + (b - scale(v)) / (b - a) * (h - bottom - 10), x = i => left + i / last * (w - left - 8);
  axes(g, w, h, left, bottom, marks, [0, last], x, y);
  const path = (points, stroke) => {
    const every = Math.max(1, Math.floor(points.length / (2 * w)));
    g.beginPath();
    points.forEach(([s, v], k) => { if (Number.isFinite(v) && (k % every === 0 || k === points.length - 1)) g.lineTo(x(s), y(v)); });
    g.strokeStyle = css(stroke); g.lineWidth = 2; g.lineJoin = "round"; g.stroke();
  };
  if (film) path(filmed, "--line");
  path(drawn, "--live");
  if (Number.isFinite(now[1])) { g.beginPath(); g.arc(x(now[0]), y(now[1]), 4, 0, 7); g.fillStyle = css("--live"); g.fill(); }
}

// The loss as a function of the chosen number alone, and the line that its gradient promises.
const reach = () => 1.5 * Math.max(1, Math.abs(state.base) || 0);
function drawSlope() {
  const [g, w, h] = canvas("slope");
  if (!state.cell || !Number.isFinite(state.base)) return;
  const now = value(state.cell), xs = [], ys = [], r = reach(), half = Math.max(4, Math.min(16, Math.floor(60 / state.forward)));
  for (let k = -half; k <= half; k++) {
    set(state.cell, state.base + k / half * r);
    xs.push(k / half * r);
    ys.push(runs(live.forward) ? program.loss : NaN);
  }
  set(state.cell, now);
  const bottom = 18, seen = ys.filter(Number.isFinite);
  let low = Math.min(...seen), high = Math.max(...seen);
  if (!(high - low > 1e-6)) { low -= .01; high += .01; }
  const marks = ticks(low, high, 3), left = room(g, marks), pad = (high - low) * .14, x = v => left + (v - state.base + r) / (2 * r) * (w - left - 8), y = v => 4 + (high + pad - v) / (high - low + 2 * pad) * (h - bottom - 8);
  axes(g, w, h, left, bottom, marks, [state.base - r, state.base, state.base + r], x, y);
  g.save();
  g.beginPath(); g.rect(left, 0, w - left, h - bottom); g.clip();
  if (state.slope !== null) {
    g.beginPath(); g.moveTo(x(state.base - r), y(state.baseLoss - state.slope * r)); g.lineTo(x(state.base + r), y(state.baseLoss + state.slope * r));
    g.setLineDash([5, 4]); g.strokeStyle = css("--mark"); g.lineWidth = 1.6; g.stroke(); g.setLineDash([]);
  }
  g.beginPath();
  xs.forEach((v, i) => { if (Number.isFinite(ys[i])) g.lineTo(x(state.base + v), y(ys[i])); });
  g.strokeStyle = css("--ink"); g.lineWidth = 1.8; g.stroke();
  g.beginPath(); g.arc(x(state.base), y(state.baseLoss), 3.4, 0, 7); g.fillStyle = css("--panel"); g.fill(); g.lineWidth = 1.6; g.stroke();
  compute();
  g.beginPath(); g.arc(x(now), y(program.loss), 5, 0, 7); g.fillStyle = css("--mark"); g.fill();
  g.restore();
}

// Small pictures of the values, in the boxes of the graph.
const { svg } = picture, over = make("canvas"), small = document.createElement("canvas");
const wrap = make("div", { id: "thumbs" });
svg.replaceWith(wrap);
wrap.append(svg, over);
// Boxes of nodes come and go with the groups that they are in; that of a closed group has none.
const boxes = () => [...picture.boxes].filter(([i]) => i < picture.N).map(([i, g]) => ({ i, g, n: names.find(n => n.role === "value" && n.node === i) }));
function drawThumbs() {
  const w = svg.clientWidth, h = svg.clientHeight, origin = svg.getBoundingClientRect(), pane = $("graph").getBoundingClientRect();
  if (!w || !h) return;
  const zoom = origin.width / w, ratio = Math.min(devicePixelRatio || 1, 8000 / Math.max(w, h));
  Object.assign(over.style, { width: `${w}px`, height: `${h}px` });
  const g = cleared(over, w, h, ratio);
  g.imageSmoothingEnabled = false;
  for (const { g: node, n } of boxes()) {
    if (!n || !size(n.shape)) continue;
    node.classList.add("lively");
    const box = node.querySelector(".box").getBoundingClientRect();
    if (!box.width || box.bottom < pane.top || box.top > pane.bottom) continue;
    const x = (box.left - origin.left) / zoom + 13, y = (box.bottom - origin.top) / zoom - 19, width = box.width / zoom - 26;
    if (size(n.shape) === 1) {
      g.font = "650 13px ui-monospace, 'DejaVu Sans Mono', monospace";
      g.textAlign = "center";
      g.fillStyle = css("--ink");
      g.fillText(number(value(n.view)), x + width / 2, y + 11);
      continue;
    }
    thumb(n.view);
    g.drawImage(small, x, y, width, 13);
    g.strokeStyle = css("--edge");
    g.lineWidth = .6;
    g.strokeRect(x, y, width, 13);
  }
}
const MOST = 96; // rows and columns of a small picture
function thumb(view) {
  const shape = view[2], c = shape.at(-1), m = size(shape) / c, flipped = m > 3 * c, [h, w] = (flipped ? [c, m] : [m, c]).map(n => Math.min(n, MOST));
  const values = program.read(view), labels = plane?.classes && view[0] === plane.labels[0] && shape.length === 1, image = new ImageData(w, h);
  let top = 1e-300;
  for (const x of values) if (Number.isFinite(x)) top = Math.max(top, Math.abs(x));
  for (let y = 0, k = 0; y < h; y++) for (let x = 0; x < w; x++, k += 4) {
    const row = Math.floor((flipped ? x / w : y / h) * m), column = Math.floor((flipped ? y / h : x / w) * c), v = values[row * c + column];
    image.data.set([...labels ? rgb(hue(v)) : colour(v, top), 255], k);
  }
  small.width = w;
  small.height = h;
  small.getContext("2d").putImageData(image, 0, 0);
}
