"""`graph(loss)` and the `Graph` that it gives: what was recorded, to be drawn."""
