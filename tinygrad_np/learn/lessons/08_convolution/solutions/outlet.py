"""The number of windows of a row: `windows` is to be written.

A row of `n` numbers gets `padding` zeros on each side. Windows of `size` numbers start at its
first number and then `stride` numbers further each time, as long as they fit.
"""


def windows(n, size, stride=1, padding=0):
    """Return the number of windows: the length of what a convolution makes of the row."""
    return (n + 2 * padding - size) // stride + 1


if __name__ == "__main__":
    print("8 pixels, windows of 3:", windows(8, 3))
    print("with a padding of 1:", windows(8, 3, padding=1))
    print("and a stride of 2:", windows(8, 3, stride=2, padding=1))
