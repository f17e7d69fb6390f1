"""The step-through page."""
