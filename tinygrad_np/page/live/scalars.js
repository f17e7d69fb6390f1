// Scalar functions, one a line: their numbers in, a number out. What a page needs of them is
// written into it as loops, see `kernels` in kernels.py. An array rounds or wraps what is stored.
// A name with _int is for integers, where these differ.
copy: x => x
to_bool: x => x === 0 ? 0 : 1
to_int: x => whole(Math.trunc(x))
to_unsigned: x => x < 0 ? x + 18446744073709551616 : x
where: (x, y, z) => x ? y : z
clip: (x, y, z) => x < y ? y : x > z ? z : x !== x || y !== y || z !== z ? NaN : x
absolute: x => Math.abs(x)
add: (x, y) => x + y
arccos: x => Math.acos(x)
arccosh: x => Math.acosh(x)
arcsin: x => Math.asin(x)
arcsinh: x => Math.asinh(x)
arctan: x => Math.atan(x)
arctan2: (x, y) => Math.atan2(x, y)
arctanh: x => Math.atanh(x)
bitwise_and: (x, y) => x & y
bitwise_and_int64: (x, y) => bits(x) & bits(y)
bitwise_or: (x, y) => x | y
bitwise_or_int64: (x, y) => bits(x) | bits(y)
bitwise_xor: (x, y) => x ^ y
bitwise_xor_int64: (x, y) => bits(x) ^ bits(y)
cbrt: x => Math.cbrt(x)
ceil: x => Math.ceil(x)
copysign: (x, y) => (y < 0 || 1 / y < 0) === (x < 0 || 1 / x < 0) ? x : -x
cos: x => Math.cos(x)
cosh: x => Math.cosh(x)
deg2rad: x => x * (Math.PI / 180)
divide: (x, y) => x / y
equal: (x, y) => x === y
exp: x => Math.exp(x)
exp2: x => 2 ** x
expm1: x => Math.expm1(x)
fabs: x => Math.abs(x)
float_power: (x, y) => power(x, y)
floor: x => Math.floor(x)
floor_divide: (x, y) => floorDivide(x, y)
floor_divide_int: (x, y) => y === 0 ? 0 : Math.floor(x / y)
fmax: (x, y) => x >= y || y !== y ? x : y
fmin: (x, y) => x <= y || y !== y ? x : y
fmod: (x, y) => x % y
fmod_int: (x, y) => y === 0 ? 0 : x % y
greater: (x, y) => x > y
greater_equal: (x, y) => x >= y
heaviside: (x, y) => x < 0 ? 0 : x > 0 ? 1 : x !== x ? x : y
hypot: (x, y) => Math.hypot(x, y)
invert: x => x ? 0 : 1
invert_int: x => -1 - x
isfinite: x => x - x === 0
isinf: x => x === 1 / 0 || x === -1 / 0
isnan: x => x !== x
ldexp: (x, y) => x * 2 ** y
left_shift_int: (x, y) => y < 0 || y > 63 ? 0 : x * 2 ** y
less: (x, y) => x < y
less_equal: (x, y) => x <= y
log: x => Math.log(x)
log10: x => Math.log10(x)
log1p: x => Math.log1p(x)
log2: x => Math.log2(x)
logaddexp: (x, y) => x === y ? x + Math.LN2 : Math.max(x, y) + Math.log1p(Math.exp(-Math.abs(x - y)))
logaddexp2: (x, y) => x === y ? x + 1 : Math.max(x, y) + Math.log1p(2 ** -Math.abs(x - y)) * Math.LOG2E
logical_and: (x, y) => x !== 0 && y !== 0
logical_not: x => x === 0
logical_or: (x, y) => x !== 0 || y !== 0
logical_xor: (x, y) => (x !== 0) !== (y !== 0)
maximum: (x, y) => x >= y || x !== x ? x : y
minimum: (x, y) => x <= y || x !== x ? x : y
multiply: (x, y) => x * y
multiply_int32: (x, y) => Math.imul(x, y)
negative: x => -x
not_equal: (x, y) => x !== y
positive: x => x
power: (x, y) => power(x, y)
power_int: (x, y) => y < 0 ? fail("an integer to a negative power") : whole(x ** y)
rad2deg: x => x * (180 / Math.PI)
reciprocal: x => 1 / x
reciprocal_int: x => x === 0 ? fail("1 / 0 of an integer") : Math.trunc(1 / x)
remainder: (x, y) => remainder(x, y)
remainder_int: (x, y) => y === 0 ? 0 : remainder(x, y)
right_shift_int: (x, y) => y < 0 || y > 63 ? (x < 0 ? -1 : 0) : Math.floor(x / 2 ** y)
rint: x => rint(x)
sign: x => x > 0 ? 1 : x < 0 ? -1 : x === 0 ? 0 : NaN
signbit: x => x < 0 || 1 / x < 0
sin: x => Math.sin(x)
sinh: x => Math.sinh(x)
sqrt: x => Math.sqrt(x)
square: x => x * x
square_int32: x => Math.imul(x, x)
subtract: (x, y) => x - y
tan: x => Math.tan(x)
tanh: x => Math.tanh(x)
trunc: x => Math.trunc(x)

// What some of them call.
function fail(why) { throw new RangeError(why); }
function whole(x) { return Math.abs(x) <= 9007199254740992 ? x + 0 : fail("an integer beyond 2^53"); }
function natural(x) { return x >= 0 ? whole(x) : fail("an unsigned integer below 0"); }
function bits(x) { return x === (x | 0) ? x : fail("bits of an integer beyond 32 bits"); }
function power(x, y) { return y === 2 ? x * x : x === 1 || x === -1 && y - y !== 0 && y === y ? 1 : x ** y; }
function remainder(x, y) {
  const rest = x % y;
  return rest === 0 ? (y < 0 || 1 / y < 0 ? -0 : 0) : y === 1 / 0 || y === -1 / 0 || rest < 0 === y < 0 ? (rest < 0 !== y < 0 ? y : rest) : rest + y;
}
function floorDivide(x, y) {
  if (y === 0) return x / y;
  let rest = x % y, floor = (x - rest) / y;
  if (rest !== 0 && rest < 0 !== y < 0) floor -= 1;
  return floor === 0 ? x / y * 0 : Math.round(floor);
}
function rint(x) {
  const near = Math.round(x);
  return near - x === .5 && near % 2 !== 0 ? near - 1 : near === 0 ? x * 0 : near;
}
