"""Libraries of C text: the compiler, found at run time, and a cache in the user's folder."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import os
import platform
import shlex
import shutil
import signal
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import Any

_SECONDS = 60  # for the compiler
_MOST_FILES = 400  # in the cache
_CPU = ("model name", "flags", "Features", "CPU implementer", "CPU part")
_EXACT = ("-ffp-contract=off",)
_LOOSE = ("-ffp-contract=fast", "-fassociative-math", "-fno-signed-zeros")
_FLAGS = (
    "-O3",
    "-march=native",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fno-strict-aliasing",
    "-fwrapv",
    "-fPIC",
    "-shared",
)


class NativeError(Exception):
    """A program can't be had in C; the message says why."""


def load(text: str, *, exact: bool) -> tuple[Any, str]:
    """Compile a text, or take what was compiled before, and load it.

    Returns:
        The library, and a note on what is not as it should be ("" if all is).

    Raises:
        NativeError: there is no compiler, it fails, or it takes longer than a minute.
    """
    command = [*compiler(), *_FLAGS, *(_EXACT if exact else _LOOSE)]
    key = hashlib.sha256("\0".join([*command, *_machine(command[0]), text]).encode()).hexdigest()
    folder = cache_folder()
    note = ""
    if folder is not None:
        note = _prepared(folder)
    if folder is None or note:
        with tempfile.TemporaryDirectory(prefix="tinygrad_np_") as private:
            return _open(_build(text, command, Path(private, "step.so"))), note
    path = folder / f"{key}.so"
    if _is_intact(path):
        with contextlib.suppress(OSError):
            return ctypes.CDLL(str(path)), ""
    return _open(_build(text, command, path)), ""


def _open(path: Path) -> Any:
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise NativeError(f"what the compiler made can't be loaded ({error})") from None


# --- the compiler ---------------------------------------------------------------------------------


def compiler() -> list[str]:
    """Return the command of the C compiler: CC, else cc, gcc or clang.

    Raises:
        NativeError: there is none.
    """
    if os.name != "posix":
        raise NativeError("C is compiled on Linux and macOS alone")
    chosen = shlex.split(os.environ.get("CC", ""))
    names = chosen[:1] or ["cc", "gcc", "clang"]
    for name in names:
        path = shutil.which(name)
        if path is not None:
            return [path, *chosen[1:]]
    what = f"CC={chosen[0]}" if chosen else "cc, gcc or clang"
    raise NativeError(f"no C compiler was found ({what})")


def _machine(command: str) -> list[str]:
    """Return what else decides on the bits of a library: the compiler's version, and the CPU."""
    real = os.path.realpath(command)
    status = os.stat(real)
    return [real, str(status.st_size), str(status.st_mtime_ns), _processor()]


@functools.lru_cache(maxsize=1)
def _processor() -> str:
    """Return what says which instructions this machine has."""
    told = [platform.machine()]  # platform.processor() starts a process
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:
        first, _, _ = file.read(16384).partition("\n\n")
        told += [line for line in first.splitlines() if line.startswith(_CPU)]
    return "\n".join(told)


def _build(text: str, command: list[str], path: Path) -> Path:
    """Compile a text to a library; it is there as a whole, or not at all."""
    try:
        with tempfile.TemporaryDirectory(prefix=".build_", dir=path.parent) as private:
            source, library = Path(private, "step.c"), Path(private, "step.so")
            source.write_text(text, encoding="utf-8")
            _run([*command, "-o", str(library), str(source), "-lm"])
            digest = hashlib.sha256(library.read_bytes()).hexdigest()
            sums = Path(private, "step.sum")
            sums.write_text(digest, encoding="utf-8")
            os.chmod(library, 0o700)
            os.replace(library, path)
            os.replace(sums, path.with_suffix(".sum"))
    except OSError as error:
        raise NativeError(f"its C file can't be written or compiled ({error})") from None
    _trim(path.parent)
    return path


def _run(command: list[str]) -> None:
    """Run the compiler, for a minute at most, with all that it starts."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        _, errors = process.communicate(timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        raise NativeError(f"the C compiler took longer than {_SECONDS} seconds") from None
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode:
        lines = errors.decode(errors="replace").strip().splitlines()
        said = next((line for line in lines if "error" in line), lines[-1] if lines else "")
        name = os.path.basename(command[0])
        raise NativeError(f"the C compiler {name} failed with {process.returncode}: {said}")


# --- the cache ------------------------------------------------------------------------------------


def cache_folder() -> Path | None:
    """Return the folder of compiled files; None where the user has none."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(base):
        return Path(base, "tinygrad_np")
    try:
        return Path.home() / ".cache" / "tinygrad_np"
    except RuntimeError:
        return None


def _prepared(folder: Path) -> str:
    """Make the folder; return why nothing in it may be run, or "" if it may."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        return f"there is no cache of compiled files: {error}"
    real = folder.resolve()
    for path in (folder, *folder.parents, real, *real.parents):
        if not _is_ours(path, alone=path in (folder, real)):
            return f"compiled files are not kept: others can write to {path}"
    return ""


def _is_ours(path: Path, *, alone: bool) -> bool:
    """Say whether nobody but this user, or root, can put something else in a path's place.

    In a folder as /tmp others can write, but not replace; a file of ours must be in ours `alone`.
    """
    status = path.lstat()
    if status.st_uid not in (os.geteuid(), 0):
        return False
    if stat.S_ISLNK(status.st_mode):  # the folder that it is in is looked at too
        return True
    shared = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return not shared or (not alone and bool(status.st_mode & stat.S_ISVTX))


def _is_intact(path: Path) -> bool:
    """Say whether a file of the cache is what was once put there."""
    try:
        sums = path.with_suffix(".sum")
        for file in (path, sums):
            if not stat.S_ISREG(file.lstat().st_mode) or not _is_ours(file, alone=True):
                return False
        return sums.read_text("utf-8") == hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, UnicodeDecodeError):
        return False


def _trim(folder: Path) -> None:
    """Remove the oldest files of a cache that has grown large."""
    with contextlib.suppress(OSError):
        files = sorted(folder.glob("*.s*"), key=lambda file: file.stat().st_mtime)
        for file in files[:-_MOST_FILES]:
            file.unlink(missing_ok=True)
