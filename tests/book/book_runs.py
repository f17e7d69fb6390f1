"""Runs of the book's networks on its own numerics: one process each, several at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import book_data

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def run(entry_id: str, last_epoch: int | None = None) -> dict:
    """What `book_train.py` prints for an entry: {"seconds", "lines"}."""
    command = [sys.executable, str(Path(__file__).with_name("book_train.py")), entry_id]
    if last_epoch is not None:
        command.append(str(last_epoch))
    env = {**os.environ, **_ONE_THREAD}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    if done.returncode:
        raise RuntimeError(f"training {entry_id} failed:\n{done.stderr}")
    return json.loads(done.stdout)


def start(pool: ThreadPoolExecutor, jobs: list[tuple[str, int | None]]) -> dict[tuple, Future]:
    """Start runs of (entry id, last epoch), long ones first."""

    def cost(job: tuple[str, int | None]) -> int:
        setup = book_data.ENTRIES[job[0]]["setup"]
        rows = setup["dataset"]["samples"] * setup["dataset"].get("classes", 1)
        return rows * sum(a * b for a, b in zip(setup["layers"], setup["layers"][1:]))

    return {job: pool.submit(run, *job) for job in sorted(jobs, key=cost, reverse=True)}


def new_pool() -> ThreadPoolExecutor:
    """As many runs at once as there are processors."""
    return ThreadPoolExecutor(max_workers=os.cpu_count() or 1)
