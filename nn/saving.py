"""Saving and loading: models and whole training runs, as .npz or .safetensors; never as pickle."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import zipfile
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from tinygrad_np import Tensor

from .arguments import plain_array
from .module import Module
from .torch_layouts import says_no_layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    Arrays = dict[str, np.ndarray]

__all__ = ["Saved", "load", "save"]

FORMAT = "tinygrad_np 1"
LAYOUT = "the weight of Linear is (in, out)"
METADATA = "__metadata__"  # the entry of an .npz that is no array of the model
DENSEST = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: 1032}  # bytes that a byte can hold
FOREIGN = {"pt": "PyTorch", "tf": "TensorFlow", "flax": "Flax"}  # as .safetensors files say it


class Saved(dict):
    """The content of a file: arrays, numbers and texts by dotted name.

    Attributes:
        checked: True if the file has a checksum, which held. A file without one comes from
            elsewhere: its arrays are read as they are, as if they had the layout of `nn`.
        origin: "PyTorch", "TensorFlow" or "Flax", if the file says it is of one of them, else "".
    """

    def __init__(self, content: Mapping[str, Any], checked: bool, origin: str = "") -> None:
        super().__init__(content)
        self.checked = checked
        self.origin = origin

    def __repr__(self) -> str:
        origin = "" if self.checked else ", from elsewhere: without layout and checksum"
        return f"Saved({', '.join(self)}{origin})"


# --- writing --------------------------------------------------------------------------------------


def save(state: Any, path: str | os.PathLike[str]) -> None:
    """Write a model, or the parts of a training run, to a file.

        nn.save(model, "model.npz")
        nn.save({"model": model, "optimizer": optimizer, "epoch": 12}, "run.npz")

    The file is written beside its place and then put there, so that there is a whole file at any
    moment, the old one or the new one.

    Args:
        state: a Module, an Optimizer, a NumPy Generator, an array, a number or a text, or a dict
            of these, of any depth.
        path: ends in .npz, or in .safetensors (which needs the package safetensors).

    Raises:
        TypeError: a part that can't be saved.
        ValueError: another ending, or two parts of the same name.
        OSError: the file can't be written.
    """
    _write(state, path)


def rehearse(state: Any, path: str | os.PathLike[str]) -> None:
    """Do what `save` does, and raise what it would raise, but leave the file as it was."""
    _write(state, path, for_real=False)


def _write(state: Any, path: Any, for_real: bool = True) -> None:
    content = _flat(state)
    path = _path(path)
    arrays = {name: value for name, value in content.items() if isinstance(value, np.ndarray)}
    values = {name: value for name, value in content.items() if name not in arrays}
    metadata = {"format": FORMAT, "layout": LAYOUT, "values": json.dumps(values)}
    metadata["checksum"] = _checksum(arrays, metadata)
    write = _write_npz if path.suffix == ".npz" else _write_safetensors
    with _replacing(path, for_real) as file:
        write(file, arrays, metadata)


def _path(path: Any) -> Path:
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"save(state, path) and load(path) take a path, not {path!r}")
    path = Path(path)
    if path.suffix not in (".npz", ".safetensors"):
        raise ValueError(f"the name of the file must end in .npz or .safetensors: {path}")
    return path


def _flat(part: Any, name: str = "") -> dict[str, Any]:
    """Return the arrays and plain values of a state by dotted name."""
    if isinstance(part, np.random.Generator):
        part = part.bit_generator.state
    elif hasattr(part, "state_dict"):
        part = part.state_dict()
    if isinstance(part, Mapping):
        content: dict[str, Any] = {}
        for key, value in part.items():
            inner = _flat(value, f"{name}.{key}" if name else str(key))
            twice = content.keys() & inner.keys()
            if twice:
                raise ValueError(f"two parts of the state are named {min(twice)!r}")
            content |= inner
        return content
    return {name: _value(part, name)}


def _value(part: Any, name: str) -> Any:
    """Return a leaf of a state as an array, or as it is if JSON can hold it."""
    if isinstance(part, (Tensor, np.ndarray, np.generic)):
        array = plain_array(name or "the state", part)
        if array.dtype.kind not in "biufc":
            raise TypeError(f"{name or 'the state'} is an array of {array.dtype}, not of numbers")
        return np.require(array, array.dtype.newbyteorder("<"), "C")
    if isinstance(part, (bool, int, float, str, type(None))):
        return part
    raise TypeError(
        f"{name or 'the state'} can't be saved: it is a {type(part).__name__}. Modules, "
        "Optimizers, Generators, arrays, numbers and texts can, and dicts of them"
    )


@contextmanager
def _replacing(path: Path, for_real: bool) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of the one at `path` once it is whole."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"can't write {path}: there is no folder {path.parent}")
    if path.is_dir():
        raise IsADirectoryError(f"can't write {path}: it is a folder")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            yield file
            file.flush()
            if for_real:
                os.fsync(file.fileno())
        if for_real:
            draft.replace(path)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def _write_npz(file: IO[bytes], arrays: Arrays, metadata: dict[str, str]) -> None:
    if METADATA in arrays:
        raise ValueError(f"no part of the state can be named {METADATA!r}")
    text = np.frombuffer(json.dumps(metadata).encode(), np.uint8)
    entries = arrays | {METADATA: text}
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in entries.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)


def _write_safetensors(file: IO[bytes], arrays: Arrays, metadata: dict[str, str]) -> None:
    for name, array in arrays.items():
        if array.dtype.kind == "c":
            raise TypeError(f"{name} is complex: .safetensors can't hold it, .npz can")
    file.write(_safetensors().numpy.save(arrays, metadata))


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            '.safetensors needs a package: pip install "tinygrad-np[io]"; .npz needs none'
        ) from error
    return safetensors


def _checksum(arrays: Arrays, metadata: Mapping[str, str]) -> str:
    """Return the SHA-256 of everything that a file says."""
    digest = hashlib.sha256()
    for key in ("format", "layout", "values"):
        digest.update(f"{metadata.get(key)}\0".encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


# --- reading --------------------------------------------------------------------------------------


def load(path: str | os.PathLike[str], into: Any = None) -> Saved:
    """Read a file of `save`, or an .npz or .safetensors file from elsewhere.

        nn.load("model.npz", model)
        run = nn.load("run.npz", {"model": model, "optimizer": optimizer})
        first_epoch = run["epoch"] + 1

    Nothing in a file is ever executed, and nothing changes unless everything fits.

    Args:
        path: ends in .npz or .safetensors.
        into: the Module, Optimizer or Generator that gets its state back, or a dict of these.

    Returns:
        The content of the file by dotted name.

    Raises:
        KeyError, TypeError, ValueError: the state does not fit, see `Module.load_state_dict`.
        ValueError: no such file inside, or a broken one; another layout of the weights.
        OSError: the file can't be read.
    """
    path = _path(path)
    read = _read_npz if path.suffix == ".npz" else _read_safetensors
    with path.open("rb"):
        pass  # the usual errors where there is no such file
    try:
        arrays, metadata = read(path)
    except ImportError:
        raise
    except Exception as error:  # whatever damaged bytes make of those who read them
        message = f"{path} is no whole {path.suffix} file of numbers: {error}"
        raise ValueError(message) from error
    content = arrays | _values(path, arrays, metadata)
    if into is not None:
        _check_origin(path, metadata, into)
        _restore(into, content)
    origin = FOREIGN.get(metadata.get("format", ""), "")
    return Saved(content, "checksum" in metadata, origin)


def _values(path: Path, arrays: Arrays, metadata: dict[str, str]) -> dict[str, Any]:
    """Return what is no array; check that the file is whole and of our layout."""
    if "checksum" not in metadata and metadata.get("format") != FORMAT:
        return {}
    if metadata.get("checksum") != _checksum(arrays, metadata):
        raise ValueError(f"{path} is damaged: its content has another checksum than it says")
    if (metadata["format"], metadata["layout"]) != (FORMAT, LAYOUT):
        raise ValueError(
            f"{path} was written by another version: its format is {metadata['format']!r}, "
            f"its layout {metadata['layout']!r}"
        )
    return json.loads(metadata["values"])


def _check_origin(path: Path, metadata: dict[str, str], into: Any) -> None:
    """Raise for a file that other layouts may be in, which shapes do not always show."""
    origin = FOREIGN.get(metadata.get("format", ""))
    instead = f"nn.load_torch(model, {str(path)!r})"
    if origin is not None:
        if origin != "PyTorch":
            instead = "without `into`, load() returns the arrays as they are"
        raise ValueError(f"{path} is of {origin}, which lays weights out in its own way: {instead}")
    if metadata.get("format") == FORMAT or path.suffix == ".npz":
        return
    models = [part for _, part in _parts(into) if isinstance(part, Module)]
    if any(map(says_no_layout, models)):
        raise ValueError(
            f"{path} does not say how its weights are laid out, and their shapes don't either: "
            f"{instead} if PyTorch wrote it, model.load_state_dict(nn.load(path)) if they are "
            "(in, out)"
        )


def _read_npz(path: Path) -> tuple[Arrays, dict[str, str]]:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        arrays = {e.filename.removesuffix(".npy"): _read_entry(archive, e) for e in entries}
    text = arrays.pop(METADATA, None)
    metadata = {} if text is None else json.loads(text.tobytes())
    if not isinstance(metadata, dict) or not set(map(type, metadata.values())) <= {str}:
        raise ValueError(f"{METADATA} is {metadata}")
    return arrays, metadata


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    """Read one array, once its header and its size agree."""
    name = entry.filename
    with archive.open(entry) as file:
        version = np.lib.format.read_magic(file)
        if version not in _HEADERS:
            raise ValueError(f"{name} is an array of the unknown version {version}")
        shape, _, dtype = _HEADERS[version](file)
        if dtype.hasobject:
            raise ValueError(f"{name} holds Python objects, which are never read")
        size = entry.file_size - file.tell()
        possible = entry.compress_size * DENSEST.get(entry.compress_type, 0)
        if dtype.itemsize * math.prod(shape) != size or entry.file_size > possible:
            raise ValueError(f"{name} should be {dtype}{list(shape)}, but has not as many bytes")
    with archive.open(entry) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def _read_safetensors(path: Path) -> tuple[Arrays, dict[str, str]]:
    safetensors = _safetensors()
    with safetensors.safe_open(path, framework="np") as file:
        dtypes = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
        for name, dtype in dtypes.items():
            if not re.fullmatch("BF16|BOOL|C64|[FIU](16|32|64)|[IU]8", dtype):
                raise ValueError(f"{name} is of {dtype}, which NumPy does not have")
        metadata = file.metadata() or {}
        if "BF16" not in dtypes.values():
            return {name: file.get_tensor(name) for name in dtypes}, metadata
    entries = safetensors.deserialize(path.read_bytes())
    return {name: _entry_array(**entry) for name, entry in entries}, metadata


def _entry_array(shape: list[int], dtype: str, data: bytes) -> np.ndarray:
    """Return an entry of a .safetensors file as an array; bfloat16, which NumPy lacks, as float32.

    A bfloat16 is the upper half of a float32.
    """
    if dtype == "BF16":
        return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4").reshape(shape)
    kind = {"F": "f", "I": "i", "U": "u", "B": "b"}[dtype[0]]
    size = 1 if dtype == "BOOL" else int(dtype[1:]) // 8
    return np.frombuffer(data, f"<{kind}{size}").reshape(shape).copy()


# --- restoring ------------------------------------------------------------------------------------


def part_of(state: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the entries of a state below a dotted name, without that name."""
    prefix = f"{name}."
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def _restore(into: Any, content: Mapping[str, Any]) -> None:
    """Give all parts their state, or none."""
    parts = list(_parts(into))
    before = [(part, _state_of(part)) for _, part in parts]
    try:
        for (name, part), (_, state) in zip(parts, before):
            own = part_of(content, name) if name else dict(content)
            if state and not own:
                raise KeyError(f"the file has nothing of {name!r}; it has {', '.join(content)}")
            _set_state(part, own, name)
    except BaseException:
        for part, state in before:
            _set_state(part, state)
        raise


def _parts(into: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the parts of a nested dict that have a state, by dotted name."""
    if isinstance(into, Mapping):
        for key, value in into.items():
            yield from _parts(value, f"{name}.{key}" if name else str(key))
    elif isinstance(into, np.random.Generator) or hasattr(type(into), "load_state_dict"):
        yield name, into
    else:
        raise TypeError(
            f"load() gives Modules, Optimizers and Generators their state, not {name or 'a'} "
            f"{type(into).__name__}: read it from what load() returns"
        )


def _state_of(part: Any) -> Any:
    if isinstance(part, np.random.Generator):
        return part.bit_generator.state
    return part.state_dict()


def _set_state(part: Any, state: Mapping[str, Any], name: str = "") -> None:
    if not isinstance(part, np.random.Generator):
        part.load_state_dict(state)
        return
    nested: dict[str, Any] = {}
    for path, value in state.items():
        *outer, last = path.split(".")
        place = nested
        for key in outer:
            place = place.setdefault(key, {})
        place[last] = value
    try:
        part.bit_generator.state = nested
    except (KeyError, TypeError, ValueError) as error:
        kind = type(part.bit_generator).__name__
        raise ValueError(f"{name or 'the file'} is no state of a {kind} generator") from error
