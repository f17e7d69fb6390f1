"""Optimizers, their schedules, and what is done to gradients and weights."""
