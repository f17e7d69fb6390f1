// Random numbers for runtime.js: NumPy's own, from the state that its generator had.
function liveDraws(data, buffers, bytes) {
// The 128 bits of PCG64 are eight numbers of 16, the lowest first.
const limbs = text => Float64Array.from({ length: 8 }, (_, i) => parseInt(text.slice(28 - 4 * i, 32 - 4 * i), 16));
const TIMES = limbs("2360ed051fc65da44385df649fccf645"), next = new Float64Array(8);
// Each run draws the same numbers, until a step is over.
let generators = [], seeds = [];
function reset() {
  seeds = data.generators.map(([s, inc, half]) => ({ s: limbs(s), inc: limbs(inc), half, high: 0, low: 0 }));
  begin();
}
function begin() { generators = seeds.map(g => ({ ...g, s: g.s.slice() })); }
function keep() { seeds = generators; }
function advance(g) {
  const s = g.s;
  let carry = 0;
  for (let i = 0; i < 8; i++) {
    carry += g.inc[i];
    for (let j = 0; j <= i; j++) carry += s[j] * TIMES[i - j];
    next[i] = carry & 65535;
    carry = (carry - next[i]) / 65536;
  }
  s.set(next);
  const high = (s[7] ^ s[3]) << 16 | s[6] ^ s[2], low = (s[5] ^ s[1]) << 16 | s[4] ^ s[0];
  const turn = s[7] >> 10, by = turn & 31, x = turn & 32 ? low : high, y = turn & 32 ? high : low;
  g.high = (by ? x >>> by | y << 32 - by : x) >>> 0;
  g.low = (by ? y >>> by | x << 32 - by : y) >>> 0;
}
function double(g) { advance(g); return (g.high * 2097152 + (g.low >>> 11)) / 9007199254740992; }
// 32 bits: the lower half of 64, then the other.
function word(g) {
  const half = g.half;
  if (half !== null) { g.half = null; return half; }
  advance(g);
  g.half = g.high;
  return g.low;
}
const single = g => (word(g) >>> 8) / 16777216;
// One of 0 to n - 1, by Lemire's method.
function below(g, n) {
  for (;;) {
    const x = word(g), low = Math.imul(x, n) >>> 0;
    if (low >= n || low >= (4294967296 - n) % n) return Math.round((x * n - low) / 4294967296);
  }
}
// Normal numbers by the ziggurat of 256 layers; `scales` is NumPy's table.
function normals(wide) {
  const scales = new Float64Array(bytes(data.scales)), bits = wide ? 2 ** 52 : 2 ** 23;
  const round = wide ? x => x : Math.fround, uniform = wide ? double : single;
  const end = round(3.6541528853610088), part = round(.27366123732975828), log = g => round(Math.log1p(-uniform(g)));
  const scale = scales.map(x => round(x * 2 ** 52 / bits));
  const inside = scales.map((x, k) => Math.round((k ? k === 1 ? 0 : scales[k - 1] : scales[255]) / x * bits));
  const height = scales.map((x, k) => k ? round(Math.exp(-.5 * (x * 2 ** 52) ** 2)) : 1);
  return g => {
    for (;;) {
      let r = 0, size = 0;
      if (wide) { advance(g); r = g.low; size = (g.high & 0x1fffffff) * 8388608 + (r >>> 9); }
      else { r = word(g); size = r >>> 9; }
      const k = r & 255, x = round(size * scale[k]) * (r >>> 8 & 1 ? -1 : 1);
      if (size < inside[k]) return x;
      if (k && (height[k - 1] - height[k]) * uniform(g) + height[k] < Math.exp(-.5 * x * x)) return x;
      while (!k) {
        const xx = round(-part * log(g)), yy = -log(g);
        if (yy + yy > round(xx * xx)) return r >>> 17 & 1 ? -end - xx : end + xx;
      }
    }
  };
}
function draw(method, generator, buffer, n, first, end) {
  const O = buffers[buffer], wide = !(O instanceof Float32Array);
  if (method === "permutation") return () => {
    for (let i = 0; i < n; i++) O[i] = i;
    for (let i = n - 1; i > 0; i--) {
      const mask = 2 ** (32 - Math.clz32(i)) - 1, x = O[i];
      let j;
      do j = (word(generators[generator]) & mask) >>> 0; while (j > i);
      O[i] = O[j]; O[j] = x;
    }
  };
  const number = method === "random" ? wide ? double : single : method === "standard_normal" ? normals(wide)
    : end - first > 1 ? g => first + below(g, end - first) : () => first;
  return () => { for (let i = 0; i < n; i++) O[i] = number(generators[generator]); };
}
return { draw, reset, begin, keep };
}
