"""Programs in C: runs of statements as loops with NumPy's own bits, in one function for each run.

What C does not compute with the same bits (random numbers, einsum, LAPACK) stays a NumPy line.
"""
