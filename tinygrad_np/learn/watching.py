"""`watch`: the next exercise is checked whenever its file changes."""

from __future__ import annotations

import queue
import sys
import threading
import time
from pathlib import Path
from typing import Any

from .session import Session

PAUSE = 0.3  # seconds between two looks at the file
RULE = "-" * 72
KEYS = "Type h and Enter for a hint, s to see your program at work, q to end."


def watch(session: Session) -> int:
    """Check the next exercise again and again, until all are right or somebody ends it."""
    typed: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read_keys, args=(typed,), daemon=True).start()
    print("It checks again whenever you save the file. q and Enter ends that.")
    session.keys = KEYS
    seen: Any = None
    while (exercise := session.course.next) is not None:
        path = session.course.path(exercise)
        stamp = (path, _stamp(path))
        if stamp != seen:
            seen = stamp
            print(RULE)
            session.check()
        try:
            key = typed.get(timeout=PAUSE)
        except queue.Empty:
            continue
        if key == "q":
            return 0
        if key in ("h", "s"):
            (session.hint if key == "h" else session.see)()
    return session.check()


def _read_keys(typed: queue.Queue[str]) -> None:
    for line in sys.stdin:
        typed.put(line.strip().lower()[:1])


def _stamp(path: Path) -> Any:
    """Return what changes when a file is saved; a file may be away for a moment meanwhile."""
    for _ in range(5):
        try:
            state = path.stat()
        except FileNotFoundError:
            time.sleep(PAUSE)
        else:
            return state.st_mtime_ns, state.st_size
    return None
