"""The live page: a training step that runs in the browser."""
