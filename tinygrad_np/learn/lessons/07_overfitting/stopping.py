"""When to stop: `stop` is to be written.

Given the validation losses of the epochs, one after the other, training stops at the first epoch
that comes `patience` epochs after the best one so far, without being better. Losses behind that
epoch are never seen: they would not have been computed.
"""


def stop(losses, patience):
    """Return the epoch at which training stops (or the last one), and the best one until then.

    Epochs count from 0. Of two that are as good, the first is the better.
    """
    raise NotImplementedError


if __name__ == "__main__":
    losses = [0.9, 0.5, 0.4, 0.45, 0.41, 0.5, 0.3, 0.6]
    for patience in (1, 3, 4):
        print("patience", patience, "stops at, and keeps:", stop(losses, patience))
