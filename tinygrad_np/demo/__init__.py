"""The programs of the gallery, from an installed package: `python -m tinygrad_np.demo flow`."""
