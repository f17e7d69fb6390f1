"""The course in a terminal: edit a file, see at once if it is right, and if not, why.

`python -m tinygrad_np.learn --help` says what there is. A lesson is a folder in `lessons/`:
`lesson.md` is its page, `lesson.py` says what is asked of its exercises (see `exercises.py`), the
files beside them are handed out, and `solutions/` has each of them as it should be.
"""
