// The live mode: the step runs here, each number can be pointed at and turned, and it trains.
(() => {
const live = JSON.parse(document.getElementById("live-data").textContent);
// Values that the page has as an array are there once.
for (const buffer of live.program.buffers) if (typeof buffer[2] === "number") buffer[2] = arrays[buffer[2]].data;
const program = liveProgram(live.program, K), { code } = live.program, memory = program.buffers;
const state = {
  steps: 0, losses: [], point: 0, cell: null, base: 0, baseLoss: 0, slope: null, shown: null, hover: null,
  marks: new Set(), timer: null, pace: 0, trouble: "", frame: 0,
};

// --- places: a number is [buffer, offset]; a view is [buffer, offset, shape, strides] -------------

const names = live.names.map(([name, node, role, view]) => ({ name, node, role, view, shape: view[2] }));
const value = ([b, o]) => memory[b][o];
const key = ([b, o]) => `${b}:${o}`;
const dot = (index, strides) => index.reduce((sum, i, k) => sum + i * strides[k], 0);
const at = ([b, offset, , strides], index) => [b, offset + dot(index, strides)];
const size = shape => shape.reduce((x, y) => x * y, 1);
const isWhole = ([b]) => live.program.buffers[b][0][0] !== "f";
const set = (place, x) => { memory[place[0]][place[1]] = isWhole(place) ? Math.round(x) : x; };

// The index of a place in a view; null if it is not in it.
function indexIn([b, offset, shape, strides], place) {
  if (b !== place[0]) return null;
  let rest = place[1] - offset;
  for (let k = 0; k < shape.length; k++) if (strides[k] < 0) rest -= strides[k] * (shape[k] - 1);
  const index = shape.map(() => 0), axes = shape.map((_, k) => k);
  for (const k of axes.sort((i, j) => Math.abs(strides[j]) - Math.abs(strides[i]))) {
    if (shape[k] === 1 || !strides[k]) continue;
    const i = Math.floor(rest / Math.abs(strides[k]));
    if (i < 0 || i >= shape[k]) return null;
    rest -= i * Math.abs(strides[k]);
    index[k] = strides[k] < 0 ? shape[k] - 1 - i : i;
  }
  return rest ? null : index;
}

const byBuffer = new Map();
for (const n of names) byBuffer.set(n.view[0], [...byBuffer.get(n.view[0]) || [], n]);
function owner(place) {
  for (const n of byBuffer.get(place[0]) || []) {
    const index = indexIn(n.view, place);
    if (index) return { ...n, index };
  }
  return null;
}
const written = n => n.name + (n.index.length ? `[${n.index.join(", ")}]` : "");
const label = place => { const n = owner(place); return n && written(n); };
const gradient = n => names.find(g => g.role === "gradient" && g.node === n.node);
function gradientAt(place) {
  const n = owner(place), g = n && n.role === "value" && n.node !== null && gradient(n);
  return g ? value(at(g.view, n.index)) : null;
}

// --- where a number comes from: the loop that wrote it, solved for the index ----------------------

const writers = new Map();
code.forEach((loop, i) => {
  const into = { map: 3, reduce: 3, matmul: 5, scan: 4, sort: 3, argsort: 3 }[loop[0]];
  const target = into ? loop[into][0] : loop[0] === "gather" ? loop[loop[1] === "get" ? 3 : 4][0] : loop[0] === "draw" ? loop[3] : null;
  if (target !== null) writers.set(target, [i, ...writers.get(target) || []]);
});

// All places that a loop over these sizes and strides visits, from a start.
function visited([b, start], sizes, strides) {
  let offsets = [start];
  sizes.forEach((n, k) => { offsets = offsets.flatMap(o => Array.from({ length: n }, (_, i) => o + i * strides[k])); });
  return offsets.map(o => [b, o]);
}

const solve = {
  map([, kernel, shape, out, ...operands], place) {
    const index = indexIn([out[0], out[1], shape, out[2]], place), name = kernel.replace(/_[iu]?(8|int\d*)$/, "").replace(/^to_\w+/, "copy");
    return index && { name, kernel, operands: operands.map(v => [v[0], v[1] + dot(index, v[2])]) };
  },
  matmul([, batch, m, inner, n, out, a, b], place) {
    const index = indexIn([out[0], out[1], [...batch, m, n], out[2]], place);
    if (!index) return null;
    const lead = index.slice(0, -2), [row, column] = index.slice(-2);
    const pair = k => [[a[0], a[1] + dot([...lead, row, k], a[2])], [b[0], b[1] + dot([...lead, k, column], b[2])]];
    return { name: "matmul", terms: Array.from({ length: inner }, (_, k) => pair(k)) };
  },
  reduce([, name, shape, out, from, sizes, strides], place) {
    const index = indexIn([out[0], out[1], shape, out[2]], place);
    return index && { name, over: visited([from[0], from[1] + dot(index, from[2])], sizes, strides) };
  },
  scan([, name, shape, n, out, from], place) {
    const index = indexIn([out[0], out[1], [...shape, n], [...out[2], out[3]]], place);
    return index && { name, over: visited([from[0], from[1] + dot(index.slice(0, -1), from[2])], [index.at(-1) + 1], [from[3]]) };
  },
  gather([, mode, shape, other, base, picks], place) {
    const picked = index => base[1] + dot(index, base[2]) + picks.reduce((sum, [b, o, strides, step, n]) => {
      const i = memory[b][o + dot(index, strides)];
      return sum + (i < 0 ? i + n : i) * step;
    }, 0);
    if (mode === "get") {
      const index = indexIn([other[0], other[1], shape, other[2]], place);
      return index && { name: "copy", operands: [[base[0], picked(index)]] };
    }
    const hits = [];
    for (let k = 0; k < size(shape); k++) {
      let rest = k;
      const index = shape.map(() => 0);
      for (let j = shape.length - 1; j >= 0; j--) { index[j] = rest % shape[j]; rest = Math.floor(rest / shape[j]); }
      if (picked(index) === place[1]) hits.push([other[0], other[1] + dot(index, other[2])]);
    }
    if (!hits.length) return null;
    return mode === "set" ? { name: "copy", operands: [hits.at(-1)] } : { name: "add", over: hits };
  },
  sort: ([, shape, n, out, from], place) => ordered("sort", shape, n, out, from, place),
  argsort: ([, shape, n, out, from], place) => ordered("argsort", shape, n, out, from, place),
  draw: ([, method], place) => ({ name: `random ${method}`, operands: [] }),
};
function ordered(name, shape, n, out, from, place) {
  const index = indexIn([out[0], out[1], [...shape, n], [...out[2], out[3]]], place);
  return index && { name, over: visited([from[0], from[1] + dot(index.slice(0, -1), from[2])], [n], [from[3]]) };
}

// The last loop before one that wrote a number, as an expression of places; `writer` is its position.
function origin(place, before = code.length) {
  for (const writer of writers.get(place[0]) || []) {
    const found = writer < before && solve[code[writer][0]]?.(code[writer], place);
    if (!found) continue;
    // A number that was copied onto itself: something came before.
    if (found.name === "copy" && key(found.operands[0]) === key(place)) continue;
    // A copy under no name of its own is only the way to what was copied.
    const through = found.name === "copy" && !owner(found.operands[0]) && origin(found.operands[0], writer);
    return { ...(through || { ...found, loop: writer }), writer };
  }
  return null;
}
// A number under no name that was only copied from another.
function original(place) {
  const found = !owner(place) && origin(place);
  return found && found.name === "copy" ? found.operands[0] : place;
}
const isLater = (place, loop) => (writers.get(place[0]) || [])[0] >= loop;
// A number that a later loop has overwritten is another one now.
const stands = (place, loop) => !(isLater(place, loop) && origin(place)?.writer >= loop);

// Numbers as a loop read them. Memory goes back to how it was then, and `present` brings it here again.
let reached = code.length;
function readBy(loop, places) {
  if (reached !== loop && (reached < code.length || places.some(q => isLater(q, loop)))) runs(reached = loop);
  return places.map(value);
}
function present() {
  if (reached < code.length) runs(reached = code.length);
}

const INFIX = {
  add: "+", subtract: "−", multiply: "·", divide: "/", power: "^", less: "<", less_equal: "≤", greater: ">",
  greater_equal: "≥", equal: "==", not_equal: "≠", logical_and: "and", logical_or: "or", remainder: "mod", floor_divide: "//",
  bitwise_and: "&", bitwise_or: "|",
};
const SHORT = { maximum: "max", minimum: "min", absolute: "abs" };
const SUMS = { matmul: "Σ", add: "Σ", multiply: "Π", maximum: "max", minimum: "min" };
// Without brackets around all of it.
function bare(text) {
  let depth = 0;
  const end = [...text].findIndex(c => (depth += (c === "(") - (c === ")")) === 0);
  return text[0] === "(" && end === text.length - 1 ? text.slice(1, -1) : text;
}
const isTruth = ([b]) => live.program.buffers[b][0] === "b1";
const amount = (place, x) => isTruth(place) ? x ? "True" : "False" : number(x);
const brackets = (place, x) => x < 0 ? `(${number(x)})` : amount(place, x);

// A call as it is written, its unnamed and its overwritten operands spelled out; `leaf` writes a place.
function spelled(found, leaf, depth = 0) {
  const operands = found.operands.map((place, k, all) => {
    const isNamed = owner(place) && stands(place, found.loop);
    const inner = !isNamed && depth < (owner(place) ? 6 : 3) && origin(place, found.loop);
    if (inner?.operands?.length) return spelled(inner, leaf, depth + 1);
    if (leaf !== named) return leaf(place, found.loop);
    if (inner && !inner.operands) return k < all.length - 1 ? `(${summed(inner)})` : summed(inner);
    return isNamed || !owner(place) ? named(place) : "…";
  });
  if (found.name === "copy" || found.name === "positive") return operands[0];
  if (found.name === "negative") return `(−${operands[0]})`;
  if (found.name === "reciprocal") return `(1 / ${operands[0]})`;
  if (found.name === "square") return `${operands[0]}²`;
  const sign = INFIX[found.name];
  return sign ? `(${operands.join(` ${sign} `)})` : `${SHORT[found.name] ?? found.name}(${operands.map(bare).join(", ")})`;
}
const named = place => label(place) ?? (writers.has(place[0]) ? "…" : number(value(place)));

// `W1[:, 3]`, `X[0, 0, 2:5, 1:4]`: what the places of a sum are, if they are all of such a part.
function pattern(places, loop) {
  const all = places.map(owner), [first] = all;
  if (!all.every(n => n && n.name === first.name) || !stands(places[0], loop)) return null;
  const { name, shape } = first;
  let count = 1;
  const index = shape.map((length, k) => {
    const seen = [...new Set(all.map(n => n.index[k]))].sort((i, j) => i - j), low = seen[0], high = seen.at(-1);
    const step = (high - low) / (seen.length - 1);
    count *= seen.every((i, j) => j === 0 || i === low + j * step) ? seen.length : NaN;
    return seen.length === 1 ? low : seen.length === length ? ":" : `${low}:${high + 1}${step > 1 ? `:${step}` : ""}`;
  });
  const isWhole = count === places.length && new Set(places.map(key)).size === count;
  return isWhole ? written({ name, index }) : `${places.length} numbers of ${name}`;
}
const pairsOf = found => (found.terms || found.over.map(q => [q])).map(pair => pair.map(original));
function summed(found, pairs = pairsOf(found)) {
  const sides = pairs[0].map((_, k) => pattern(pairs.map(pair => pair[k]), found.loop));
  const all = sides.every(Boolean) ? sides.join(" · ") : found.terms ? "row · column" : `${pairs.length} numbers`;
  return `${SUMS[found.name] ?? found.name} ${all}`;
}

// The lines that say where a number comes from, and the places that it was read from.
function told(place, depth = 0, before = code.length) {
  const found = origin(place, before);
  if (!found) return { lines: [], from: [] };
  const { loop, operands } = found, line = (...parts) => make("div", { class: "eq" }, ...parts);
  const head = make("b", {}, label(place) || "…"), end = make("b", {}, amount(place, readBy(found.writer + 1, [place])[0]));
  if (operands) {
    if (!operands.length) return { lines: [line(head, ` = ${found.name} = `, end)], from: [], loop };
    const from = [], leaf = (q, loop) => { from.push(q); return brackets(q, readBy(loop, [q])[0]); };
    const numbers = bare(spelled(found, leaf));
    const lines = [line(head, ` = ${bare(spelled(found, named))} = `, found.name === "copy" ? "" : `${numbers} = `, end)];
    const isNext = (q, i) => stands(q, loop) && (owner(q) ? owner(q).role === "inner" && origin(q) : origin(q)?.terms) && from.findIndex(p => key(p) === key(q)) === i;
    const next = depth < 2 ? from.filter(isNext) : [];
    for (const q of next.slice(0, 2)) {
      const more = told(q, depth + 1, loop);
      lines.push(...more.lines);
      from.push(...more.from);
    }
    return { lines, from, loop };
  }
  const pairs = pairsOf(found), from = pairs.flat(), read = readBy(loop, from), wide = pairs[0].length;
  const worth = pairs.map((_, i) => read.slice(i * wide, (i + 1) * wide).reduce((x, y) => x * y, 1));
  const many = pairs.length > 8, largest = pairs.map((_, i) => i).sort((i, j) => Math.abs(worth[j]) - Math.abs(worth[i]));
  const isSum = SUMS[found.name] === "Σ", join = isSum ? " + " : ", ";
  const some = many ? largest.slice(0, 4) : [...pairs.keys()];
  const listed = some.map(i => pairs[i].map((q, k) => brackets(q, read[i * wide + k])).join("·")).join(join);
  const rest = many ? `${join}${pairs.length - 4} smaller` : "";
  return { lines: [line(head, ` = ${summed(found, pairs)}`), line(`= ${listed}${rest} = `, end)], from, loop, worth };
}

// --- drawing ---------------------------------------------------------------------------------------

const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const rgb = hex => hex.slice(1).match(hex.length > 4 ? /../g : /./g).map(h => parseInt(h.padEnd(2, h), 16));
// Told apart by the colour-blind (Paul Tol's high-contrast and bright schemes); markers tell, too.
const CLASSES = [["#004488", "#6699cc"], ["#ddaa33", "#eecc66"], ["#bb5566", "#ee99aa"], ["#228833", "#55bb66"], ["#66ccee", "#66ccee"], ["#aa3377", "#dd77bb"], ["#777777", "#bbbbbb"]];
const isDark = () => document.documentElement.dataset.theme === "dark";
const hue = c => CLASSES[c % CLASSES.length][+isDark()];

function canvas(id) {
  const c = $(id), ratio = devicePixelRatio || 1, w = c.clientWidth, h = c.clientHeight;
  if (c.width !== Math.round(w * ratio) || c.height !== Math.round(h * ratio)) { c.width = Math.round(w * ratio); c.height = Math.round(h * ratio); }
  const g = c.getContext("2d");
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, w, h);
  g.font = "11px system-ui, 'DejaVu Sans', sans-serif";
  return [g, w, h];
}

// Run the loops up to one; a check of the values may fail on the way.
function runs(upto) {
  try { program.run(0, upto); return true; } catch { return false; }
}

// What takes long is drawn less often: at most a fifth of the time goes to it. While nothing trains, the last one follows.
const due = new Map(), late = new Map();
function sparing(name, draw) {
  const now = performance.now(), wait = (due.get(name) || 0) - now;
  clearTimeout(late.get(name));
  if (wait > 0) {
    if (state.timer === null) late.set(name, setTimeout(() => { draw(); compute(); drawPlane(); }, wait));
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

// The unit that is pointed at: a column of a value with a row for each point, or what a parameter feeds.
function unit() {
  let place = state.hover, n = place && owner(place);
  if (n && n.role === "value" && n.shape[0] !== plane.rows) {
    const loop = code.findIndex((c, i) => i < live.forward && (c[0] === "matmul" ? c[7][0] : c[0] === "map" ? c.slice(4).some(v => v[0] === place[0]) : false) && (c[0] !== "matmul" || c[7][0] === place[0]));
    if (loop < 0) return null;
    const c = code[loop], read = c[0] === "matmul" ? [c[7][0], c[7][1], [c[3], c[4]], c[7][2].slice(-2)] : null;
    if (c[0] === "matmul") {
      const index = !c[1].length && indexIn(read, place);
      if (!index) return null;
      place = [c[5][0], c[5][1] + index[1] * c[5][2][1]];
    } else {
      const v = c.slice(4).find(v => v[0] === place[0]), kept = v[2].map((s, k) => s ? c[2][k] : 1);
      const index = indexIn([v[0], v[1], kept, v[2]], place);
      if (!index) return null;
      place = [c[3][0], c[3][1] + dot(index, c[3][2])];
    }
    n = owner(place);
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
  const [g, w, h] = canvas("curve"), now = [state.steps, program.loss], film = live.film ? live.film.steps.map((s, k) => [s, live.film.losses[k]]) : [];
  const drawn = [...state.losses, now], all = [...drawn, ...film].filter(([, v]) => Number.isFinite(v)), bottom = 18;
  const last = Math.max(20, ...film.map(([s]) => s), state.steps), values = all.map(([, v]) => v);
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
  const path = (points, stroke, thick) => {
    const every = Math.max(1, Math.floor(points.length / (2 * w)));
    g.beginPath();
    points.forEach(([s, v], k) => { if (Number.isFinite(v) && (k % every === 0 || k === points.length - 1)) g.lineTo(x(s), y(v)); });
    g.strokeStyle = stroke; g.lineWidth = thick; g.lineJoin = "round"; g.stroke();
  };
  if (film.length) path(film, css("--line"), 2);
  path(drawn, css("--live"), 2);
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
  if (over.width !== Math.round(w * ratio) || over.height !== Math.round(h * ratio)) { over.width = Math.round(w * ratio); over.height = Math.round(h * ratio); over.style.width = `${w}px`; over.style.height = `${h}px`; }
  const g = over.getContext("2d");
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, w, h);
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
    const lead = [];
    for (const s of shape.slice(0, -1).reverse()) { lead.unshift(r % s); r = Math.floor(r / s); }
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
  m.refresh = () => { m.top = largest(m); m.paint(); };
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
    ...(live.codes[line] ? [make("div", { class: "source" }, live.program.places[line], " ", make("code", {}, live.codes[line]))] : []),
    ...(n && !lines.length ? [make("div", { class: "eq" }, make("b", {}, written(n)), ` = ${number(value(place))}: given${isEditable(n) ? ". Click to turn it" : ""}`)] : []),
    ...(place ? [] : [make("div", { class: "quiet" }, hint)]));
  const sources = new Set((state.told?.from || []).slice(0, 600).map(q => owner(q)?.node).filter(i => i != null));
  for (const { i, g } of boxes()) g.classList.toggle("source", sources.has(i));
  for (const m of tables) m.paint();
  if (plane?.alone && columnOf(unit()) !== plane.said) { paintPlane(); compute(); }
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
  let rest = best;
  return at(n.view, n.shape.slice().reverse().map(s => { const i = rest % s; rest = Math.floor(rest / s); return i; }).reverse());
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
  compute();
  const bad = !Number.isFinite(program.loss);
  $("loss").textContent = number(program.loss);
  $("trouble").textContent = state.trouble || (bad ? "The loss is no number any more: the learning rate was too high, or a number was turned too far. Reset." : "");
  $("count").replaceChildren(`step ${state.steps.toLocaleString("en")}`, make("span", {}, state.pace ? ` · ${state.pace < 10 ? state.pace.toFixed(2) : Math.round(state.pace)} ms a step` : ""));
  sparing("slope", drawSlope);
  facts();
  showRate();
  if (anew) layTables(); else for (const m of tables) m.refresh();
  if (anew || state.hover) hover(state.hover);
  drawPlane();
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
})();
