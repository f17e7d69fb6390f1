"""tinygrad_np: a computational-graph autodiff mini-framework in pure Python and NumPy.

import tinygrad_np as tg

w = tg.Tensor([1.0, 2.0], requires_grad=True)
loss = (w * w).sum()
loss.backward()
print(w.grad)  # Tensor([2., 4.])
"""

from .autograd import enable_grad, is_grad_enabled, no_grad
from .ops import *  # noqa: F403
from .ops import __all__ as _ops
from .tensor import Tensor

__version__ = "0.1.0"

__all__ = ["Tensor", "__version__", "enable_grad", "is_grad_enabled", "no_grad", *_ops]
