// The live mode, first part: the program and its state, places in its memory and their names, and where each
// number comes from. All parts share one scope.
const live = JSON.parse(document.getElementById("live-data").textContent);
// Values that the page has as an array are there once.
for (const buffer of live.program.buffers) if (typeof buffer[2] === "number") buffer[2] = arrays[buffer[2]].data;
const program = liveProgram(live.program, K), { code } = live.program, memory = program.buffers;
const state = {
  steps: 0, losses: [], point: 0, cell: null, base: 0, baseLoss: 0, slope: null, shown: null, hover: null,
  marks: new Set(), timer: null, pace: 0, trouble: "",
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
  scan: ([, name, shape, n, out, from], place) => along(name, shape, n, out, from, place, last => last + 1),
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
      const index = indexOf(k, shape);
      if (picked(index) === place[1]) hits.push([other[0], other[1] + dot(index, other[2])]);
    }
    if (!hits.length) return null;
    return mode === "set" ? { name: "copy", operands: [hits.at(-1)] } : { name: "add", over: hits };
  },
  sort: ([name, shape, n, out, from], place) => along(name, shape, n, out, from, place, () => n),
  argsort: ([name, shape, n, out, from], place) => along(name, shape, n, out, from, place, () => n),
  draw: ([, method]) => ({ name: `random ${method}`, operands: [] }),
};
// Of a row, the first elements: as many as `count` says for the position in it.
function along(name, shape, n, out, from, place, count) {
  const index = indexIn([out[0], out[1], [...shape, n], [...out[2], out[3]]], place);
  return index && { name, over: visited([from[0], from[1] + dot(index.slice(0, -1), from[2])], [count(index.at(-1))], [from[3]]) };
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

// Run the loops up to one; a check of the values may fail on the way.
function runs(upto) {
  try { program.run(0, upto); return true; } catch { return false; }
}

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

// A call of operands that are written already.
function called({ name, operands: places }, operands) {
  if (name === "copy" || name === "positive") return operands[0];
  if (name === "negative") return `(−${operands[0]})`;
  if (name === "reciprocal") return `(1 / ${operands[0]})`;
  if (name === "square") return `${operands[0]}²`;
  if (name === "clip") {
    const [, low, high] = places.map(value), [x, ...limits] = operands.map(bare);
    if (low === -Infinity) return `min(${x}, ${limits[1]})`;
    if (high === Infinity) return `max(${x}, ${limits[0]})`;
  }
  const sign = INFIX[name];
  return sign ? `(${operands.join(` ${sign} `)})` : `${SHORT[name] ?? name}(${operands.map(bare).join(", ")})`;
}

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
  return called(found, operands);
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
// Such a part, or a call of such parts: what was summed before memory was used again.
function part(places, loop, depth = 0) {
  const isOne = depth > 0 && places.every(q => key(q) === key(places[0]));
  if (isOne && (owner(places[0]) ? stands(places[0], loop) : !writers.has(places[0][0]))) return named(places[0]);
  const whole = pattern(places, loop);
  if (whole) return whole;
  const calls = places.map(q => origin(q, loop)), [first] = calls;
  if (isOne && first && !first.operands) return summed(first);
  if (depth > 3 || !first?.operands?.length || !calls.every(c => c?.loop === first.loop)) return null;
  const operands = first.operands.map((_, k) => part(calls.map(c => c.operands[k]), first.loop, depth + 1));
  return operands.every(Boolean) ? called(first, operands) : null;
}
function summed(found, pairs = pairsOf(found)) {
  const sides = pairs[0].map((_, k) => part(pairs.map(pair => pair[k]), found.loop));
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
