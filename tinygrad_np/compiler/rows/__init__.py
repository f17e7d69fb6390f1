"""Programs for any number of rows, and the files that predict with them.

A function is recorded at three sizes. What differs becomes an expression of the number of rows, the
writer of NumPy text writes it down, and the file is tried out before it is put in place.
"""
