"""Functions of NumPy and SciPy without an op here, and what computes the same: for messages.

Each text is an expression of the function's own arguments, t for the Tensor. It may begin with a
condition and a colon, and end with what its names stand for. A test runs all of them. Functions
that nothing here comes near, such as `np.linalg.svd` and `np.fft.fft`, are not listed: no hint is
better than one that leads astray.
"""

COUNTERPARTS = {
    # --- statistics
    "np.nanstd": "np.sqrt(np.nanmean((t - np.nanmean(t)) ** 2))",
    "np.nanvar": "np.nanmean((t - np.nanmean(t)) ** 2)",
    "np.nancumsum": "np.cumsum(np.where(np.isnan(t), 0, t))",
    "np.nancumprod": "np.cumprod(np.where(np.isnan(t), 1, t))",
    "np.unique_values": "np.unique(t)",
    # --- differences, sums, products
    "np.convolve": (
        "for 1-D arrays: tinygrad_np.conv1d(a[None, None], v[::-1][None, None], "
        "padding=len(v) - 1)[0, 0]"
    ),
    "np.correlate": "for 1-D arrays: tinygrad_np.conv1d(a[None, None], v[None, None])[0, 0]",
    "np.linalg.lstsq": "for independent columns: np.linalg.solve(a.T @ a, a.T @ b)",
    "np.linalg.pinv": "for independent columns: np.linalg.solve(t.T @ t, t.T)",
    "np.modf": "(t - np.trunc(t), np.trunc(t))",
    "np.polyval": "sum(c * x**k for k, c in enumerate(p[::-1]))",
    "np.vander": "np.stack([x**k for k in reversed(range(len(x)))], axis=1)",
    # --- new arrays, and writing to arrays
    "np.empty_like": "np.zeros_like(t)",
    "np.full": "np.broadcast_to(t, shape)",
    "np.linspace": "start + (stop - start) * np.linspace(0, 1, num)",
    "np.logspace": "10 ** (start + (stop - start) * np.linspace(0, 1, num))",
    "np.geomspace": "start * (stop / start) ** np.linspace(0, 1, num)",
    "np.copyto": "dst[...] = t, with a Tensor dst",
    "np.fill_diagonal": "t[i, i] = val, with i = np.arange(len(t))",
    "np.place": "t[mask] = v, with one number v",
    "np.put": "for a 1-D t: t[ind] = v",
    "np.putmask": "t[mask] = v, with one number v",
    # --- axes and parts
    "np.apply_along_axis": "for rows t: np.stack([f(row) for row in t])",
    "np.bincount": "for weights: tinygrad_np.scatter(weights, t, t.max() + 1)",
    "np.fft.fftshift": "for a 1-D t: np.roll(t, len(t) // 2)",
    "np.fft.ifftshift": "for a 1-D t: np.roll(t, -(len(t) // 2))",
    # --- SciPy
    "scipy.special.boxcox": "(x**lmbda - 1) / lmbda",
    "scipy.special.cbrt": "np.cbrt(x)",
    "scipy.special.cosdg": "np.cos(np.deg2rad(x))",
    "scipy.special.digamma": "tinygrad_np.digamma(x)",
    "scipy.special.entr": "for x > 0: -x * np.log(x)",
    "scipy.special.erf": "tinygrad_np.erf(x)",
    "scipy.special.erfc": "tinygrad_np.erfc(x)",
    "scipy.special.exp10": "10.0**x",
    "scipy.special.exp2": "np.exp2(x)",
    "scipy.special.expit": "tinygrad_np.sigmoid(x)",
    "scipy.special.expm1": "np.expm1(x)",
    "scipy.special.gammaln": "tinygrad_np.gammaln(x)",
    "scipy.special.inv_boxcox": "(lmbda * x + 1) ** (1 / lmbda)",
    "scipy.special.kl_div": "for x, y > 0: x * np.log(x / y) - x + y",
    "scipy.special.log1p": "np.log1p(x)",
    "scipy.special.log_expit": "tinygrad_np.logsigmoid(x)",
    "scipy.special.log_ndtr": "np.log(tinygrad_np.erfc(-x / 2**0.5) / 2)",
    "scipy.special.log_softmax": "tinygrad_np.log_softmax(x, axis)",
    "scipy.special.logit": "np.log(x) - np.log1p(-x)",
    "scipy.special.logsumexp": "tinygrad_np.logsumexp(x, axis)",
    "scipy.special.ndtr": "tinygrad_np.erfc(-x / 2**0.5) / 2",
    "scipy.special.psi": "tinygrad_np.digamma(x)",
    "scipy.special.polygamma": "tinygrad_np.polygamma(x, n)",
    "scipy.special.rel_entr": "for x, y > 0: x * np.log(x / y)",
    "scipy.special.round": "np.round(x)",
    "scipy.special.sinc": "np.sinc(x)",
    "scipy.special.sindg": "np.sin(np.deg2rad(x))",
    "scipy.special.softmax": "tinygrad_np.softmax(x, axis)",
    "scipy.special.softplus": "tinygrad_np.softplus(x)",
    "scipy.special.tandg": "np.tan(np.deg2rad(x))",
    "scipy.special.xlog1py": "for y > -1: x * np.log1p(y)",
    "scipy.special.xlogy": "tinygrad_np.xlogy(x, y)",
}
