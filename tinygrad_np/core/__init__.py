"""The core: what an op, a node and a Tensor are, and how gradients flow back."""
