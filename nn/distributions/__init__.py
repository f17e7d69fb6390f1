"""Probability distributions: densities, samples, entropies and divergences, with gradients.

Parameters are numbers, arrays or Tensors that broadcast against each other; gradients flow to them
from `log_prob`, `entropy`, `kl_divergence`, and from `rsample` where there is one. The names are
PyTorch's; the formulas are those of the distributions' articles in Wikipedia.
"""

from .base import Distribution, kl_divergence
from .continuous import Beta, Gamma, Laplace, Normal, StudentT, Uniform
from .discrete import Bernoulli, Categorical
from .vectors import Dirichlet, MultivariateNormal

__all__ = [
    "Bernoulli",
    "Beta",
    "Categorical",
    "Dirichlet",
    "Distribution",
    "Gamma",
    "Laplace",
    "MultivariateNormal",
    "Normal",
    "StudentT",
    "Uniform",
    "kl_divergence",
]
