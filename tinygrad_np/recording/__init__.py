"""Records of a run, and one reading of them."""
