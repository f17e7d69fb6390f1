"use strict";
// A training step in the browser. `data` comes from data.py: all that follows from shapes and
// dtypes is decided there, and here are only loops over flat arrays, with offsets and strides.
// K has the scalar functions that this program uses, as loops: K.add(n, O, p, u, A, q, v, B, r, w)
// sets O[p + i·u] = A[q + i·v] + B[r + i·w]. Storing into an array rounds as NumPy does, since one
// operation in double precision is rounded once.
function liveProgram(data, K) {
const MAKE = {
  f4: Float32Array, f8: Float64Array, i8: Float64Array, u8: Float64Array, i4: Int32Array, u4: Uint32Array,
  i2: Int16Array, u2: Uint16Array, i1: Int8Array, u1: Uint8Array, b1: Uint8Array,
};

const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer;

// A buffer is [kind, size], or [kind, size, base64] if it has values from the start. Those of
// 64-bit integers are 32-bit ones, or doubles behind the letter d: exact up to 2^53, see `whole`.
function initial([kind, size, text]) {
  const made = new MAKE[kind](size), wide = kind === "i8" || kind === "u8", doubles = wide && text && text[0] === "d";
  if (!text) return made;
  made.set(new (wide && !doubles ? Int32Array : MAKE[kind])(bytes(doubles ? text.slice(1) : text)));
  return made;
}
const B = data.buffers.map(initial);
const start = data.buffers.flatMap((b, k) => b.length > 2 ? [[k, B[k].slice()]] : []);
const integers = data.buffers.map(([kind]) => kind === "i8" || kind === "u8");
function fail(why) { throw new RangeError(why); }
const inside = x => Math.abs(x) <= 9007199254740992 ? x + 0 : fail("an integer beyond 2^53");  // no -0
function whole(buffer, p) { if (integers[buffer]) B[buffer][p] = inside(B[buffer][p]); }
const floats = buffer => data.buffers[buffer][0][0] === "f";

// Calls row(p) for each row, the last axis; p are the offsets of its first elements.
function walk(shape, starts, steps, row) {
  if (shape.includes(0)) return;
  const d = shape.length - 1, at = new Int32Array(d < 0 ? 0 : d), p = starts.slice(), m = p.length;
  for (;;) {
    row(p);
    let k = d - 1;
    for (; k >= 0; k--) {
      if (++at[k] < shape[k]) { for (let j = 0; j < m; j++) p[j] += steps[j][k]; break; }
      at[k] = 0;
      for (let j = 0; j < m; j++) p[j] -= steps[j][k] * (shape[k] - 1);
    }
    if (k < 0) return;
  }
}
const each = (shape, starts, steps, row) => walk([...shape, 1], starts, steps.map(s => [...s, 0]), row);

function map(name, shape, ...views) {
  const f = K[name], d = shape.length - 1, n = shape[d];
  const [O, A, X, Y] = views.map(v => B[v[0]]), starts = views.map(v => v[1]);
  const steps = views.map(v => v[2]), [u, v, w, k] = steps.map(s => s[d]);
  const row = [null, null,
    p => f(n, O, p[0], u, A, p[1], v),
    p => f(n, O, p[0], u, A, p[1], v, X, p[2], w),
    p => f(n, O, p[0], u, A, p[1], v, X, p[2], w, Y, p[3], k)][views.length];
  return d ? () => walk(shape, starts, steps, row) : () => row(starts);
}

// NumPy adds what lies side by side in eight sums, and halves what is longer than 128.
function pairwise(A, p, n, s, R) {
  if (n < 8) {
    R[0] = -0;
    for (let i = 0; i < n; i++, p += s) R[0] += A[p];
    return R[0];
  }
  if (n <= 128) {
    for (let i = 0; i < 8; i++) R[i] = A[p + i * s];
    let i = 8;
    for (; i < n - n % 8; i += 8) for (let j = 0; j < 8; j++) R[j] += A[p + (i + j) * s];
    R[0] += R[1]; R[2] += R[3]; R[4] += R[5]; R[6] += R[7];
    R[0] += R[2]; R[4] += R[6]; R[0] += R[4];
    for (; i < n; i++) R[0] += A[p + i * s];
    return R[0];
  }
  let half = n >> 1;
  half -= half % 8;
  const left = pairwise(A, p, half, s, R);
  const right = pairwise(A, p + half * s, n - half, s, R);
  R[0] = left; R[0] += right;
  return R[0];
}

const FOLD = {
  add: (O, p, x) => { O[p] += x; },
  subtract: (O, p, x) => { O[p] -= x; },
  multiply: (O, p, x) => { O[p] *= x; },
  maximum: (O, p, x) => { if (!(O[p] >= x) && O[p] === O[p]) O[p] = x; },
  minimum: (O, p, x) => { if (!(O[p] <= x) && O[p] === O[p]) O[p] = x; },
  any: (O, p, x) => { if (x !== 0) O[p] = 1; },
  all: (O, p, x) => { if (x === 0) O[p] = 0; },
};
const FIRST = { add: () => 0, multiply: () => 1, any: () => 0, all: () => 1, maximum: x => x, minimum: x => x };

function reduce(name, shape, out, from, sizes, strides, pairs) {
  const O = B[out[0]], A = B[from[0]], d = sizes.length - 1, n = sizes[d], s = strides[d];
  if (name.startsWith("arg")) return position(name, shape, out, from, sizes, strides);
  const last = shape.length - 1, across = from[2][last];
  if (name === "add" && floats(out[0]) && !pairs && shape[last] >= 8 && Math.abs(across) < Math.abs(s)) {
    return columns(shape, O, out, A, from, sizes, strides);
  }
  const R = new O.constructor(8), first = FIRST[name], fold = FOLD[name];
  return () => each(shape, [out[1], from[1]], [out[2], from[2]], ([p, q]) => {
    O[p] = first(A[q]);
    const row = pairs ? r => { O[p] += pairwise(A, r, n, s, R); }
      : r => { for (let i = 0; i < n; i++, r += s) fold(O, p, A[r]); };
    if (d) walk(sizes, [q], [strides], ([r]) => row(r)); else row(q);
    whole(out[0], p);
  });
}
// Many sums side by side: a number of each, then the next of each.
function columns(shape, O, out, A, from, sizes, strides) {
  const last = shape.length - 1, n = shape[last], u = out[2][last], v = from[2][last];
  return () => walk(shape, [out[1], from[1]], [out[2], from[2]], ([p, q]) => {
    for (let j = 0, x = p; j < n; j++, x += u) O[x] = 0;
    each(sizes, [q], [strides], ([r]) => {
      for (let j = 0, x = p; j < n; j++, x += u, r += v) O[x] += A[r];
    });
  });
}

function position(name, shape, out, from, sizes, strides) {
  const O = B[out[0]], A = B[from[0]], better = name === "argmax" ? (x, y) => x > y : (x, y) => x < y;
  return () => each(shape, [out[1], from[1]], [out[2], from[2]], ([p, q]) => {
    let best = 0, count = 0, top = A[q];
    each(sizes, [q], [strides], ([r]) => {
      if (better(A[r], top) || top === top && A[r] !== A[r]) { top = A[r]; best = count; }
      count++;
    });
    O[p] = best;
  });
}

function scan(name, shape, n, [o, p0, ps, u], [a, q0, qs, v]) {
  const O = B[o], A = B[a], fold = FOLD[name];
  return () => each(shape, [p0, q0], [ps, qs], ([p, q]) => {
    O[p] = A[q];
    for (let i = 1; i < n; i++) { O[p + u] = O[p]; p += u; q += v; fold(O, p, A[q]); whole(o, p); }
  });
}

// Sums in double precision: the result is rounded once, where BLAS rounds in an order of its own.
function matmul(batch, m, inner, n, [o, p0, os], [a, q0, as], [b, r0, bs]) {
  const O = B[o], A = B[a], C = B[b], d = batch.length, sum = new Float64Array(n), narrow = n < 8;
  const [oi, oj] = os.slice(d), [ai, ak] = as.slice(d), [bk, bj] = bs.slice(d);
  const steps = [os, as, bs].map(s => s.slice(0, d)), exact = !floats(o);
  return () => each(batch, [p0, q0, r0], steps, ([p, q, r]) => {
    for (let i = 0; i < m; i++, p += oi, q += ai) {
      if (narrow) for (let j = 0; j < n; j++) {
        let total = 0;
        for (let k = 0, x = q, y = r + j * bj; k < inner; k++, x += ak, y += bk) total += A[x] * C[y];
        sum[j] = total;
      }
      else {
        sum.fill(0);
        for (let k = 0, x = q, y = r; k < inner; k++, x += ak, y += bk) {
          const left = A[x];
          for (let j = 0, z = y; j < n; j++, z += bj) sum[j] += left * C[z];
        }
      }
      for (let j = 0, z = p; j < n; j++, z += oj) O[z] = exact ? inside(sum[j]) : sum[j];
    }
  });
}

function gather(mode, shape, [o, p0, os], [a, q0, as], picks) {
  const V = B[o], A = B[a], fold = FOLD[mode];
  const starts = [p0, q0, ...picks.map(pick => pick[1])], steps = [os, as, ...picks.map(pick => pick[2])];
  return () => each(shape, starts, steps, p => {
    let q = p[1];
    for (let j = 0; j < picks.length; j++) {
      const [buffer, , , stride, size] = picks[j];
      let k = B[buffer][p[j + 2]];
      if (k < 0) k += size;
      if (!(k >= 0 && k < size)) fail(`index ${k} of an axis of ${size}`);
      q += k * stride;
    }
    if (mode === "get") V[p[0]] = A[q];
    else if (mode === "set") A[q] = V[p[0]];
    else { fold(A, q, V[p[0]]); whole(a, q); }
  });
}

function sorted(values) {
  return (shape, n, [o, p0, ps, u], [a, q0, qs, v]) => {
    const O = B[o], A = B[a], order = Array.from({ length: n }, (_, i) => i);
    const compare = (x, y) => x < y ? -1 : x > y ? 1 : (x !== x) - (y !== y);  // nan comes last
    return () => each(shape, [p0, q0], [ps, qs], ([p, q]) => {
      const found = order.slice().sort((i, j) => compare(A[q + i * v], A[q + j * v]) || i - j);
      const row = found.map(i => values ? A[q + i * v] : i);
      for (let i = 0; i < n; i++) O[p + i * u] = row[i];
    });
  };
}

function guard(buffer, at, expected) {
  return () => { if (B[buffer][at] !== expected) fail("a check of the values comes out otherwise than when it was recorded"); };
}

const nothing = () => {}, random = K.draws ? K.draws(data, B, bytes) : { reset: nothing, begin: nothing, keep: nothing };
const kinds = { map, reduce, scan, matmul, gather, guard, draw: random.draw, argsort: sorted(false), sort: sorted(true) };
const made = ([kind, ...rest]) => kinds[kind](...rest);
const code = data.code.map(made), commit = data.state.map(made);
random.reset();
return {
  buffers: B,
  // Computes values, gradients, and what the update would make; `from` and `to` pick a part.
  run(from = 0, to = code.length) {
    let i = from;
    if (!from) random.begin();
    try { for (; i < to; i++) code[i](); }
    catch (error) { throw new RangeError(`${data.places[data.at[i]] || "the step"}: ${error.message}`); }
  },
  step() { this.run(); for (const f of commit) f(); random.keep(); },
  reset() { for (const [k, values] of start) B[k].set(values); random.reset(); },
  get loss() { return data.loss ? B[data.loss[0]][data.loss[1]] : NaN; },
  // The numbers of a view [buffer, offset, shape, strides], in C order.
  read([b, offset, shape, strides]) {
    const out = new Float64Array(shape.reduce((x, y) => x * y, 1));
    let k = 0;
    each(shape, [offset], [strides], ([p]) => { out[k++] = B[b][p]; });
    return out;
  },
  write([b, offset, shape, strides], values) {
    let k = 0;
    each(shape, [offset], [strides], ([p]) => { B[b][p] = values[k++]; });
  },
};
}
