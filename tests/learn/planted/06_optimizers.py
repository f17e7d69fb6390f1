"""Mistakes in the exercises of lesson 6, and what the course says of them."""

HANDED_OUT = {
    "momentum": ("slip", "velocity, which it keeps from step to step, has the wrong sign"),
    "adam": ("slip", "the correction of the first steps, 1 - βᵗ, is missing"),
    "limit": ("unfinished", "still to be written"),
}
VELOCITY = "self.learning_rate * gradient + self.momentum * before"
MISTAKES = {
    "momentum": [
        (VELOCITY, "self.learning_rate * gradient", "slip", "velocity is not kept"),
        (VELOCITY, VELOCITY.replace("gra", "(1 - self.momentum) * gra"), "slip", "running mean"),
        (VELOCITY, "self.learning_rate * (gradient + self.momentum * before)", "slip", "again"),
        (VELOCITY, VELOCITY.replace("self.momentum", "(1 - self.momentum)"), "slip", "is lost"),
        (VELOCITY, "self.learning_rate * gradient + before", "slip", "momentum is missing"),
        (VELOCITY, "gradient + self.momentum * before", "slip", "the learning rate is missing"),
        (
            VELOCITY,
            "self.momentum * before - self.learning_rate * gradient",
            "sign",
            "wrong sign",
        ),
        ("layer.weights - layer", "layer.weights + layer", "factor", "the wrong sign at 30 of 40"),
    ],
    "adam": [
        ("t = self.iterations + 1", "t = self.iterations + 2", "slip", "counted from 2"),
        ("t = self.iterations + 1", "t = self.iterations", "not finite", "t counts from 1"),
        ("t = self.iterations + 1", "t = 1", "slip", "1 - β has no power"),
        ("v_corrected = v / (1 - self.beta_2**t)", "v_corrected = v", "slip", "only m is"),
        ("m_corrected = m / (1 - self.beta_1**t)", "m_corrected = m", "slip", "only v is"),
        ("np.sqrt(v_corrected) + self.epsilon", "np.sqrt(v_corrected)", "value", "biases"),
        ("return -self", "return self", "sign", "wrong sign"),
        ("return -self.learning_rate *", "return -", "slip", "the learning rate is missing"),
    ],
    "limit": [
        ("2 / curvatures.max()", "1 / curvatures.max()", "value", "in one step"),
        ("2 / curvatures.max()", "2 / curvatures.min()", "value", "flattest direction"),
        ("2 / curvatures.max()", "curvatures.max() / 2", "value", "in the denominator"),
        (
            "np.linalg.eigvalsh(tg.hessian(loss)(w))",
            "np.diag(tg.hessian(loss)(w))",
            "value",
            "diag",
        ),
    ],
}
