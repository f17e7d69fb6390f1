"""Mistakes in the exercises of lesson 5, and what the course says of them."""

SHARED = "np.sum(dvalues * self.output, axis=1, keepdims=True)"
HANDED_OUT = {
    "steady": ("not finite", "exp"),
    "shares": ("jacobian", "it is the diagonal of the Jacobian alone"),
    "entropy": ("factor", "it is 5/3 times the right gradient"),
}
MISTAKES = {
    "steady": [
        ("z - np.max(z, axis=1, keepdims=True)", "z - np.min(z)", "not finite", "exp"),
        ("np.exp(z - np.max(z, axis=1, keepdims=True))", "np.exp(-abs(z))", "value", "softmax of"),
        (
            "np.sum(powers, axis=1, keepdims=True)",
            "np.sum(powers)",
            "axis",
            "all rows together add up to 1",
        ),
        ("powers, axis=1", "powers, axis=0", "axis", "each column adds up to 1"),
        ("np.max(z, axis=1, keepdims=True)", "np.max(z)", "not finite", "(powers) = 0.0; y = 0.0"),
        ("np.max(z, axis=1, keepdims=True)", "np.max(z, axis=0)", "axis", "along axis 1"),
        ("z - np.max(z, axis=1, keepdims=True)", "np.clip(z, -9, 9)", "value", "made equal"),
    ],
    "shares": [
        (SHARED, "np.sum(dvalues, axis=1, keepdims=True)", "slip", "that of dvalues, and should"),
        (SHARED, "np.sum(dvalues * self.output)", "slip", "goes over all rows"),
        (SHARED, SHARED.replace("sum", "mean"), "slip", "a mean there"),
        (SHARED, f"-{SHARED}", "slip", "is added"),
        (SHARED, f"2 * {SHARED}", "term", "a norm or a softmax"),
        (SHARED, "np.sum(dvalues * self.output, axis=0)", "jacobian", "does not read that element"),
        ("self.output * (dvalues - shared)", "dvalues - shared", "power", "output"),
        ("(dvalues - shared)", "(shared - dvalues)", "sign", "wrong sign"),
    ],
    "entropy": [
        ("self.dinputs /= rows", "pass", "factor", "the number of rows"),
        ("[range(rows), targets] -= 1", "[:, targets] -= 1", "slip", "of all rows"),
        ("targets] -= 1", "targets] += 1", "slip", "1 is added to the probability"),
        ("self.dinputs[range(rows), targets] -= 1", "pass", "slip", "1 should be taken away"),
        ("targets] -= 1", "targets] -= rows", "slip", "is not divided by the number of rows"),
        ("self.dinputs /= rows", "self.dinputs *= rows", "factor", "the number of rows"),
    ],
}
