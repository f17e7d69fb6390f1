"""A layer that moves a small kernel over images: one mistake in its backward to find.

The inputs are n pictures (n, height, width). Each number of the output is the sum of a window of
a picture times the kernel, number by number. `forward` is right, and so is the gradient of the
kernel.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def correlate(images, kernel):
    """Return the sum of each window of the images times the kernel."""
    windows = sliding_window_view(images, kernel.shape, axis=(1, 2))
    return np.einsum("nijab,ab->nij", windows, kernel)


class Filter:
    def __init__(self, kernel):
        self.kernel = np.array(kernel, np.float64)

    def forward(self, inputs):
        self.inputs = inputs
        self.output = correlate(inputs, self.kernel)

    def backward(self, dvalues):
        windows = sliding_window_view(self.inputs, self.kernel.shape, axis=(1, 2))
        self.dkernel = np.einsum("nij,nijab->ab", dvalues, windows)
        # A pixel was in up to as many windows as the kernel has numbers: look at all of these.
        rows, columns = self.kernel.shape
        around = ((0, 0), (rows - 1, rows - 1), (columns - 1, columns - 1))
        self.dinputs = correlate(np.pad(dvalues, around), self.kernel)


if __name__ == "__main__":
    layer = Filter([[1, 2, 3]])
    layer.forward(np.zeros((1, 1, 5)))
    layer.backward(np.array([[[0.0, 1.0, 0.0]]]))
    print("The result in the middle was made of the inputs 1, 2 and 3, times 1, 2 and 3.")
    print("So these should get 1, 2 and 3 back:", layer.dinputs)
