"""Emitters: a program as text. `numpy_source` writes NumPy statements, as Python."""
