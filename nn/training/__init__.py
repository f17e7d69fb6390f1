"""Training: the loop of `fit`, callbacks, checkpoints, metrics."""
