"""What can go wrong when a function is compiled."""

__all__ = ["CompileError", "CompileWarning", "GuardFailed"]


class CompileError(RuntimeError):
    """A function does something that a straight-line program can't; the message names the line."""

    explains_itself = True  # in whatever rule or op it comes up


class CompileWarning(UserWarning):
    """A compiled function works, but not as fast as it could; the message says why."""


class GuardFailed(Exception):  # noqa: N818 - never seen by users: the function runs eagerly instead
    """A condition that held in the recordings does not hold in this call."""
