// The graph. Each group of nodes has a layout of its own, made in Python; an open group takes its
// place among its neighbours, which give way, and lines go on inside of it from its ports.
function graphOf(run, make, badges) {
const { nodes, groups } = run, N = nodes.length, GAP = 38, HEAD = 27, PAD = 11, PORT = 14;
const home = [], parent = [], open = new Set([0]), boxes = new Map(), known = new Map(), built = [], geometry = [];

groups.forEach((g, k) => {
  g.at = new Map(g.members.map((ref, j) => [ref, j + g.enter.length]));
  g.members.forEach(ref => { if (ref < N) home[ref] = k; else parent[ref - N] = k; });
  g.row = [];
  g.rows.forEach((items, r) => items.forEach(item => g.row[item] = r));
  g.out = g.enter.length + g.members.length;
  g.lanes = new Map();
  g.lines = g.lines.map(([value, from, to, argument, flows, first, count]) => {
    const line = { value, from, to, argument, flows, first, count: count || 0, group: k };
    line.upper = count ? first + count - 1 : from;
    if (count && !(g.lanes.get(first)?.count >= count)) g.lanes.set(first, line);
    known.set([k, value, to, argument].join(), line);
    return line;
  });
  g.into = new Map();
  for (const line of g.lines) g.into.set(line.to, [...g.into.get(line.to) || [], line]);
});
const around = i => { const way = []; for (let k = i < N ? home[i] : parent[i - N]; k !== undefined; k = parent[k]) way.unshift(k); return way; };
const inside = groups.map(() => []);
nodes.forEach((n, i) => { for (const k of around(i)) inside[k].push(i); });
// What is seen of a node: itself, or the outermost closed group that it is in.
const seen = i => { const k = around(i).find(k => !open.has(k)); return k === undefined ? i : N + k; };
const isOpen = k => around(N + k).every(p => open.has(p)) && open.has(k);
const member = (g, item) => g.members[item - g.enter.length];
const openMember = (g, item) => { const ref = member(g, item); return ref >= N && open.has(ref - N) ? ref - N : null; };

// --- places --------------------------------------------------------------------------------------

// The positions nearest to the wishes that keep order and distances: neighbours in each other's way are pooled.
function spread(wishes, offsets, weights) {
  const pools = [];
  wishes.forEach((wish, i) => {
    let pool = { mean: wish - offsets[i], weight: weights[i], count: 1 };
    while (pools.length && pools.at(-1).mean > pool.mean) {
      const other = pools.pop(), weight = pool.weight + other.weight;
      pool = { mean: (pool.mean * pool.weight + other.mean * other.weight) / weight, weight, count: pool.count + other.count };
    }
    pools.push(pool);
  });
  return pools.flatMap(pool => Array(pool.count).fill(pool.mean)).map((mean, i) => mean + offsets[i]);
}

const brief = words => words && (words.length > 40 ? `${words.slice(0, 39)}…` : words);
// The lines below the heading of a box.
function rowsOf(ref) {
  if (ref >= N) return [plural(groups[ref - N].ops, "op"), brief(groups[ref - N].note)].filter(Boolean);
  const n = nodes[ref];
  return n.text != null ? [] : [n.dtype || "several outputs", n.exit, brief(n.note)].filter(Boolean);
}

function sizeOf(g, item) {
  const ref = member(g, item);
  if (ref === undefined) return { left: 0, right: 0, height: 0 };
  const k = openMember(g, item), half = g.widths[item - g.enter.length] / 2;
  return k !== null ? geometry[k] : { left: half, right: half, height: 30 + 16 * rowsOf(ref).length };
}

// The places across of a group's items: open groups stay, and their neighbours give way.
function across(g, sizes) {
  const xs = [...g.xs], opened = item => openMember(g, item) !== null;
  for (const items of g.rows.filter(items => items.some(opened))) {
    const offsets = [0];
    items.slice(1).forEach((item, i) => {
      const a = sizes[items[i]], b = sizes[item];
      offsets.push(offsets[i] + a.right + b.left + (a.height && b.height ? 22 : 14));
    });
    spread(items.map(item => g.xs[item]), offsets, items.map(item => opened(item) ? 1e4 : 1)).forEach((x, i) => xs[items[i]] = x);
  }
  return xs;
}

// How far to a side the lines into each row go: for those that go far there is more room.
function reaches(g, xs) {
  const reach = g.rows.map(() => 0), note = (a, b) => reach[g.row[b]] = Math.max(reach[g.row[b]], Math.abs(xs[a] - xs[b]));
  for (const line of g.lines) if (g.row[line.to] === g.row[line.upper] + 1) note(line.upper, line.to);
  for (const { from, first, count } of g.lanes.values()) for (let i = 0; i < count; i++) note(i ? first + i - 1 : from, first + i);
  return reach;
}

// Top and bottom of each row, and the bottom of all. Beside the title, lines go straight down.
function down(g, sizes, xs) {
  const tops = [], bottoms = [], reach = reaches(g, xs), framed = g !== groups[0];
  let y = framed ? HEAD : 0;
  g.rows.forEach((items, r) => {
    const height = Math.max(...items.map(item => sizes[item].height)), ports = framed && !height;
    const short = framed && r === 1 && tops[0] === 0 || ports && r === g.rows.length - 1;
    if (r) y += Math.min(80, .06 * reach[r]) + (short ? PAD + Math.min(20, reach[r] / 3) : GAP);
    tops.push(ports && !r ? 0 : y);
    bottoms.push(y += height);
  });
  return { tops, bottoms, height: framed && !g.leave.length ? y + PAD : y };
}

const titleWidth = g => g.width * .82 + 26;
function place(k) {
  const g = groups[k], sizes = g.xs.map((_, item) => sizeOf(g, item)), xs = across(g, sizes), { tops, bottoms, height } = down(g, sizes, xs);
  // It is placed by the line that goes straight through, else by the mean of its ports.
  const enter = g.enter.map((_, j) => xs[j]), leave = g.leave.map((_, j) => xs[g.out + j]), ports = [...enter, ...leave];
  const anchor = enter.find(x => leave.includes(x)) ?? ports.reduce((a, b) => a + b, 0) / (ports.length || 1);
  let left = Math.max(...xs.map((x, item) => anchor - x + sizes[item].left)) + PAD;
  let right = Math.max(...xs.map((x, item) => x - anchor + sizes[item].right)) + PAD;
  const width = titleWidth(g), missing = k ? Math.max(0, width + 14 - left - right) / 2 : 0;
  left += missing;
  right += missing;
  // The title stands where no line enters; where there is no such place, one is made.
  const edges = [anchor - left + 2, ...enter.sort((a, b) => a - b), anchor + right - 2];
  let title = edges.find((x, i) => edges[i + 1] - x >= width + 8) + 4;
  if (Number.isNaN(title)) {
    title = enter[0] - width - 4;
    left = Math.max(left, anchor - title + 6);
  }
  const middle = xs.map((x, item) => {
    const r = g.row[item], half = sizes[item].height / 2, ref = member(g, item);
    if (g.rows[r].every(other => openMember(g, other) === null)) return (tops[r] + bottoms[r]) / 2;
    return ref < N && !nodes[ref].op ? bottoms[r] - half : tops[r] + half;
  });
  geometry[k] = { title, left, right, height, anchor, xs, tops, bottoms, sizes, middle };
}

// --- lines ---------------------------------------------------------------------------------------

const fixed = x => +x.toFixed(1);
const curve = (x, y, X, Y) => Math.abs(x - X) < .5 ? `V${fixed(Y)}` : `C${[x, (y + Y) / 2, X, (y + Y) / 2, X, Y].map(fixed)}`;

// Where lines leave an item: of an open group, at the port of the value.
function exit(g, at, item, value) {
  const k = openMember(g, item);
  if (k === null) return [at.xs[item], item < g.enter.length ? 0 : at.middle[item] + at.sizes[item].height / 2];
  const port = groups[k].out + groups[k].leave.indexOf(value);
  return [at.xs[item] + geometry[k].xs[port] - geometry[k].anchor, at.middle[item] + at.sizes[item].height / 2];
}

// The curve from an item, or a place of a lane, down to a point.
function piece(g, at, line, i, x, y) {
  const item = i < 0 ? line.from : line.first + i, bottom = at.bottoms[g.row[item]];
  const [fromX, fromY] = i < 0 ? exit(g, at, item, line.value) : [at.xs[item], bottom];
  const tall = g.rows[g.row[item]].some(other => openMember(g, other) !== null) || item < g.enter.length;
  const low = tall && bottom > fromY ? `V${fixed(bottom)}` : "";
  return { start: `M${fixed(fromX)},${fixed(fromY)}`, rest: low + curve(fromX, low ? bottom : fromY, x, y) };
}

function lanePath(g, at, line, count) {
  let path = "";
  for (let i = 0; i < count; i++) {
    const item = line.first + i, x = at.xs[item], { start, rest } = piece(g, at, line, i - 1, x, at.tops[g.row[item]]);
    path += (i ? "" : start) + rest + curve(x, 0, x, at.bottoms[g.row[item]]);
  }
  return path;
}

function ends(g, at, item) {
  const lines = (g.into.get(item) || []).filter(line => !line.same), k = openMember(g, item);
  if (k !== null) {
    for (const line of lines) line.end = at.xs[item] + geometry[k].xs[groups[k].enter.indexOf(line.value)] - geometry[k].anchor;
  } else if (item >= g.out) {
    for (const line of lines) line.end = at.xs[item];
  } else {
    const x = at.xs[item], room = at.sizes[item].left - 14, gap = Math.min(PORT, 2 * room / Math.max(1, lines.length - 1));
    for (const line of lines) line.end = line.count ? at.xs[line.upper] : exit(g, at, line.from, line.value)[0];
    if (member(g, item) >= N) lines.sort((a, b) => a.end - b.end); // a group has no order of its arguments
    const offsets = lines.map((_, i) => i * gap), last = x + room - (offsets.at(-1) || 0);
    spread(lines.map(line => line.end), offsets, lines.map(() => 1)).forEach((end, i) => {
      lines[i].end = Math.max(Math.min(end - offsets[i], last), x - room) + offsets[i];
    });
  }
}

function drawLines(k) {
  const g = groups[k], at = geometry[k], merged = new Map();
  for (const line of g.lines) {
    const both = [line.from, line.to].every(item => member(g, item) >= N && openMember(g, item) === null);
    const key = [line.from, line.to].join();
    line.same = both ? merged.get(key) : undefined;
    if (both && !line.same) merged.set(key, line);
    line.e.classList.toggle("hidden", Boolean(line.same));
    line.e.classList.remove("on", "flow");
  }
  for (const item of g.into.keys()) ends(g, at, item);
  for (const line of g.lanes.values()) line.lane.firstChild.setAttribute("d", lanePath(g, at, line, line.count));
  for (const line of g.lines) {
    const top = at.middle[line.to] - at.sizes[line.to].height / 2, row = at.tops[g.row[line.to]], x = line.end;
    if (line.same) continue;
    const { start, rest } = piece(g, at, line, line.count - 1, x, row);
    line.path = start + rest + curve(x, row, x, line.to >= g.out ? at.height : top);
    line.whole = () => line.count ? lanePath(g, at, line, line.count) + line.path.replace(/^M[^VC]*/, "") : line.path;
    line.e.firstChild.setAttribute("d", line.path);
    const [from, bottom] = exit(g, at, line.from, line.value), into = line.to < g.out && openMember(g, line.to) === null;
    const source = line.from >= g.enter.length && openMember(g, line.from) === null;
    line.e.children[1].setAttribute("points", into ? `${fixed(x)},${fixed(top)} ${fixed(x - 4.5)},${fixed(top - 9)} ${fixed(x + 4.5)},${fixed(top - 9)}` : "");
    line.e.children[2].setAttribute("points", source ? `${fixed(from)},${fixed(bottom)} ${fixed(from - 5.5)},${fixed(bottom + 10)} ${fixed(from + 5.5)},${fixed(bottom + 10)}` : "");
  }
}

// --- boxes ---------------------------------------------------------------------------------------

const text = (x, y, words, attributes) => make("text", { x, y, ...attributes }, words);
const centred = (w, h, more) => ({ x: -w / 2, y: -h / 2, width: w, height: h, ...more });

function shape(kind, w, h) {
  const points = (...list) => make("polygon", { class: "box", points: list.join(" ") });
  const c = h / 5, [l, r, t, b] = [-w / 2, w / 2, -h / 2, h / 2];
  if (kind === "number") return [make("ellipse", { class: "box", rx: w / 2, ry: h / 2 })];
  if (kind === "data") return [points(l + c, t, r, t, r - c, b, l, b)];
  if (kind === "output") return [points(l + c, t, r - c, t, r, t + c, r, b - c, r - c, b, l + c, b, l, b - c, l, t + c)];
  const box = make("rect", centred(w, h, { class: "box", rx: kind === "parameter" ? 1 : 8 }));
  if (kind === "group") return [make("rect", centred(w, h, { class: "pile", rx: 8, transform: "translate(4 4)" })), box];
  return kind === "parameter" ? [box, make("rect", centred(w - 6, h - 6, { class: "inner", rx: 1 }))] : [box];
}

// The heading of a box and the lines below it; the dtype is left out on the simple page.
function words(ref, x, heading) {
  const rows = rowsOf(ref), h = 30 + 16 * rows.length, typed = ref < N && nodes[ref].dtype;
  return [text(x, rows.length ? 20 - h / 2 : 5, heading, { class: typed ? "typed" : null }),
    rows.map((row, j) => text(0, 37 - h / 2 + 16 * j, row, { class: `quiet ${!typed ? "" : j ? "after" : "dtype"}` }))];
}

// A sign at a box: findings are about it.
const warning = (count, w, h) => count > 0 && make("g", { class: "warning", transform: `translate(${2 - w / 2} ${-h / 2})` },
  make("polygon", { points: "0,-12 12,9 -12,9" }), text(0, 7, count > 1 ? count : "!"));
const alarms = i => nodes[i].findings.filter(f => f.kind !== "ordinary gradient").length;
const findingsText = count => count ? `, ${plural(count, "finding")}` : "";

function nodeBox(i, w) {
  const n = nodes[i], label = n.label || n.title, h = 30 + 16 * rowsOf(i).length;
  const size = n.shape && (n.shape.join("×") || "()"), uses = badges(i);
  const box = make("g", { class: `n ${n.kind}`, "data-node": i, role: "button", tabindex: 0,
    "aria-label": `${label} ${size || ""}, ${n.kind === "output" ? "loss / output" : n.kind}${n.note ? `, ${n.note}` : ""}${findingsText(alarms(i))}` },
    shape(n.kind, w, h), words(i, 0, [make("tspan", {}, label), size && make("tspan", { dx: 8, class: "size" }, size)]).flat());
  if (n.needs) {
    const half = uses > 1 ? 15 : 7, x = w / 2 - 4, top = -h / 2 - 1 - (uses > 1 ? 4 : 0);
    box.append(make("g", { class: "badge" }, make("rect", { x: x - half, y: top - 8, width: 2 * half, height: 16, rx: 7 }), text(x, top + 4, "∂")));
  }
  box.append(warning(alarms(i), w, h) || "");
  return box;
}

const plural = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;
const title = (g, state) => `${g.title}, ${plural(g.ops, "op")}${g.note ? `, ${g.note}` : ""}, ${state}`;
function groupBox(k, w) {
  const g = groups[k], h = 30 + 16 * rowsOf(N + k).length, count = inside[k].reduce((sum, i) => sum + alarms(i), 0);
  return make("g", { class: "n group", "data-group": k, role: "button", tabindex: 0, "aria-expanded": "false", "aria-label": title(g, "closed") + findingsText(count) },
    shape("group", w, h), make("path", { class: "chevron", d: `M${16 - w / 2},${9 - h / 2}v10l6,-5z` }), words(N + k, 9, g.title).flat(), warning(count, w, h));
}

// The elements of a group, when it is opened for the first time.
function build(k) {
  if (built[k]) return;
  const g = groups[k], frame = make("rect", { class: "frame", rx: 9 }), lines = make("g"), content = make("g");
  for (const line of g.lanes.values()) lines.append(line.lane = make("g", { class: line.flows ? "e" : "e none" }, make("path")));
  for (const line of g.lines) lines.append(line.e = make("g", { class: line.flows ? "e" : "e none" }, make("path"), make("polygon", { class: "tip" }), make("polygon", { class: "back" })));
  g.members.forEach((ref, j) => {
    const box = ref < N ? nodeBox(ref, g.widths[j]) : groupBox(ref - N, g.widths[j]);
    boxes.set(ref, box);
    content.append(box);
  });
  const head = make("g", { class: "title", "data-group": k, role: "button", tabindex: 0, "aria-expanded": "true", "aria-label": title(g, "open") },
    make("rect", { width: titleWidth(g), height: 20, rx: 6 }), make("path", { class: "chevron", d: "M7,7h10l-5,6z" }), text(21, 14, g.title));
  built[k] = { all: make("g", {}, k ? [frame, lines, head, content] : [lines, content]), content, frame, title: head };
}

function arrange(k) {
  const g = groups[k], at = geometry[k], { content, frame, title } = built[k];
  if (k) {
    for (const [name, value] of Object.entries({ x: at.anchor - at.left, y: 0, width: at.left + at.right, height: at.height })) frame.setAttribute(name, fixed(value));
    title.setAttribute("transform", `translate(${fixed(at.title)} 4)`);
  }
  g.members.forEach((ref, j) => {
    const item = j + g.enter.length, inner = openMember(g, item), box = boxes.get(ref);
    box.classList.toggle("hidden", inner !== null);
    box.setAttribute("transform", `translate(${fixed(at.xs[item])} ${fixed(at.middle[item])})`);
    if (inner !== null) {
      const { all } = built[inner];
      if (!all.parentNode) content.append(all);
      all.setAttribute("transform", `translate(${fixed(at.xs[item] - geometry[inner].anchor)} ${fixed(at.middle[item] - at.sizes[item].height / 2)})`);
    } else if (ref >= N) built[ref - N]?.all.remove();
  });
  drawLines(k);
}

const svg = make("svg", { role: "group", "aria-label": "Computation graph" });
// Lay out the groups that are seen open: all, or some of them.
function arrangeAll(some = () => true) {
  const changed = groups.map((_, k) => k).filter(k => isOpen(k) && some(k));
  for (const k of [...changed].reverse()) { build(k); place(k); }
  for (const k of changed) arrange(k);
  const { left, right, height, anchor } = geometry[0];
  if (!svg.firstChild) svg.append(built[0].all);
  for (const [name, value] of Object.entries({ viewBox: `${fixed(anchor - left - 6)} -14 ${fixed(left + right + 12)} ${fixed(height + 28)}`, width: fixed(left + right + 12), height: fixed(height + 28) })) svg.setAttribute(name, value);
}

// --- what the page asks --------------------------------------------------------------------------

// The lines that an edge is drawn as, from its target up to where its source is, and down into there.
function route(source, target, argument) {
  const way = around(source), lines = [], add = (k, to, a) => lines.push(known.get([k, source, to, a].join()));
  let ref = target, k = home[target];
  add(k, groups[k].at.get(ref), argument);
  while (!way.includes(k)) {
    ref = N + k;
    k = parent[k];
    add(k, groups[k].at.get(ref), -1);
  }
  for (const inner of way.slice(way.indexOf(k) + 1)) add(inner, groups[inner].out + groups[inner].leave.indexOf(source), -1);
  return lines.map(line => line.same || line).filter(line => isOpen(line.group));
}

function toggle(k) {
  if (open.has(k)) open.delete(k); else open.add(k);
  const way = [...around(N + k), k];
  arrangeAll(other => way.includes(other) || around(N + other).includes(k));
}

function setOpen(list) {
  open.clear();
  for (const k of [0, ...list]) if (groups[k]) open.add(k);
  arrangeAll();
}

// What is open at the start: of a small graph everything, of a larger one what fits on a screen.
function first() {
  if (N <= 40) return groups.map((_, k) => k);
  const list = [0], found = [];
  let count = groups[0].members.length;
  for (const k of list) {
    for (const ref of groups[k].members) {
      if (ref < N || count + groups[ref - N].members.length > 16) continue;
      count += groups[ref - N].members.length - 1;
      found.push(ref - N);
      list.push(ref - N);
    }
  }
  return found;
}

// Say in a closed group's box which of its ops the step is at.
function say(k, words) {
  const line = boxes.get(N + k).querySelector(".quiet");
  line.textContent = words ? `▸ ${words.length > 22 ? `${words.slice(0, 21)}…` : words}` : plural(groups[k].ops, "op");
}

let lit = [];
// Light up the lines into the node of a step, and those along which a gradient flows back.
function light(read, node, flows) {
  for (const line of lit) { line.e.classList.remove("on", "flow"); line.e.firstChild.setAttribute("d", line.path); }
  lit = [];
  nodes[node].arguments.forEach((argument, j) => {
    const flow = flows.includes(argument);
    if (read === null && !flow) return;
    for (const line of route(nodes[node].inputs[j], node, argument)) {
      line.e.classList.add(flow ? "flow" : "on");
      line.e.firstChild.setAttribute("d", line.whole());
      lit.push(line);
    }
  });
}

return { svg, boxes, open, say, light, groups, around, inside, seen, route, toggle, setOpen, first, title: k => built[k].title, N };
}
