"""The house: who imports whom, what the table owes its readers, and what must not be there."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_np as tg

ROOT = Path(__file__).parent.parent
ENGINE = ROOT / "tinygrad_np"
PACKAGES = ["tinygrad_np", "tinygrad_np.ops", "tinygrad_np.draw", "tinygrad_np.words", "nn"]
MODULES = sorted([*ENGINE.rglob("*.py"), *(ROOT / "nn").rglob("*.py")])
OPTIONAL = ["matplotlib", "graphviz", "graphviz_pure", "tqdm", "nnfs", "IPython", "PIL"]

# Layers of the engine, lowest first: a module may import its own layer and those below.
LAYERS = ["frames", "modes", "autograd", "hooks", "protocols", "state", "tensor", "ops"]
READERS = {
    "snapshot",
    "gathering",
    "owners",
    "folding",
    "draw",
    "check",
    "companion",
    "debugging",
    "arguments",
    "checkpointing",
    "jacobians",
    "layercheck",
    "paths",
    "program",
    "recorder",
    "rulecheck",
    "slopes",
    "verdicts",
    "words",
    "tracing",
    "transforms",
    "trees",
    "updates",
}


def path_id(path):
    return str(path.relative_to(ROOT))


def _is_type_checking(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports(path, *, lazy):
    """Names of the modules that a file imports, relative ones made absolute.

    Those for type checkers alone don't count; those inside functions only if `lazy`.
    """
    package = path.relative_to(ROOT).parent.parts
    found = set()
    waiting = list(ast.parse(path.read_text(encoding="utf-8")).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *(node.module.split(".") if node.module else ())])
            for alias in node.names:
                below = ROOT.joinpath(*module.split("."), alias.name)
                is_module = below.is_dir() or below.with_suffix(".py").exists()
                found.add(f"{module}.{alias.name}" if is_module else module)
        elif _is_type_checking(node):
            waiting.extend(node.orelse)
        elif lazy or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            waiting.extend(ast.iter_child_nodes(node))
    return found


def part_of(module):
    """`tensor` for tinygrad_np.tensor, `ops` for tinygrad_np.ops.shape, "" for the package."""
    return (module.split(".") + [""])[1]


# --- import arrows ------------------------------------------------------------------------------


def test_the_walk_sees_imports():
    """The tests below would pass on a walk that finds nothing."""
    found = imports(ENGINE / "ops" / "apply.py", lazy=False)
    assert {"numpy", "tinygrad_np.autograd", "tinygrad_np.tensor", "tinygrad_np.ops.op"} <= found
    assert "tinygrad_np.check" not in found
    assert any("tqdm" in name for name in imports(ROOT / "nn" / "training.py", lazy=True))


@pytest.mark.parametrize("path", sorted(ENGINE.rglob("*.py")), ids=path_id)
def test_engine_imports_go_one_way(path):
    """{snapshot, draw, check} -> ops -> tensor -> autograd, also inside functions."""
    own = part_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
    if own == "__init__":
        return
    own_layer = LAYERS.index(own) if own in LAYERS else len(LAYERS)
    assert own in LAYERS or own in READERS, f"{own}: say in tests/test_house.py where it belongs"
    for module in imports(path, lazy=True):
        if module.split(".")[0] != "tinygrad_np":
            continue
        assert module != "tinygrad_np", f"{path_id(path)} imports the whole package"
        other = part_of(module)
        if other in LAYERS:
            assert LAYERS.index(other) <= own_layer, f"{path_id(path)} imports {module}"
        else:
            assert own in READERS, f"{path_id(path)} imports {module}"


@pytest.mark.parametrize("path", sorted(ENGINE.rglob("*.py")), ids=path_id)
def test_the_engine_knows_nothing_of_nn(path):
    assert not {name for name in imports(path, lazy=True) if name.split(".")[0] == "nn"}


@pytest.mark.parametrize("path", sorted((ROOT / "nn").rglob("*.py")), ids=path_id)
def test_nn_uses_public_names_only(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    aliases = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                assert not alias.name.startswith("tinygrad_np."), f"imports {alias.name}"
                if alias.name == "tinygrad_np":
                    aliases.add(alias.asname or alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            assert not node.module.startswith("tinygrad_np."), f"imports from {node.module}"
            if node.module == "tinygrad_np":
                assert {alias.name for alias in node.names} <= set(tg.__all__)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in aliases
        ):
            assert node.attr in tg.__all__, f"uses tinygrad_np.{node.attr}"
        if isinstance(node, ast.Attribute) and node.attr in {"_data", "_node", "_become"}:
            pytest.fail(f"line {node.lineno} uses the Tensor's own {node.attr}")


@pytest.mark.parametrize("path", MODULES, ids=path_id)
def test_numpy_is_all_that_is_imported_up_front(path):
    """Optional packages are imported where they are used."""
    roots = {name.split(".")[0] for name in imports(path, lazy=False)}
    allowed = {"numpy", "tinygrad_np"} | ({"nn"} if path.is_relative_to(ROOT / "nn") else set())
    assert roots - set(sys.stdlib_module_names) <= allowed


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT
    )


def test_import_loads_the_core_alone():
    heavy = [*OPTIONAL, "nn", *(f"tinygrad_np.{name}" for name in sorted(READERS))]
    done = run(f"import sys, tinygrad_np; print([m for m in {heavy} if m in sys.modules])")
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
    done = run(f"import sys, nn; print([m for m in {OPTIONAL} if m in sys.modules])")
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_both_ways_to_nn_give_the_same_module():
    done = run(
        "import tinygrad_np; from tinygrad_np import nn as a; import nn as b;"
        "print(a is b is tinygrad_np.nn)"
    )
    assert done.stdout.strip() == "True", done.stderr


# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", PACKAGES)
def test_no_public_name_equals_a_submodules(package):
    """Or it would be the module on one access and the function on the next."""
    module = importlib.import_module(package)
    folder = Path(module.__file__).parent
    submodules = {p.stem for p in folder.glob("*.py")} | {
        p.name for p in folder.iterdir() if (p / "__init__.py").exists()
    }
    shared = submodules & set(getattr(module, "__all__", ()))
    # A submodule that is public itself (nn.init) is no such clash.
    clashes = {n for n in shared if getattr(module, n) is not sys.modules.get(f"{package}.{n}")}
    assert not clashes


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_there(package):
    module = importlib.import_module(package)
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        assert hasattr(module, name), name
    if package == "tinygrad_np":
        assert set(module.__all__) <= set(dir(module))


def test_public_functions_and_classes_have_docstrings():
    for module in (tg, tg.nn):
        for name in module.__all__:
            value = getattr(module, name)
            if callable(value):
                assert (value.__doc__ or "").strip(), f"{module.__name__}.{name}"


# --- the table ----------------------------------------------------------------------------------


@pytest.mark.parametrize("op", tg.TABLE.values(), ids=lambda op: op.name)
def test_every_op_owes_its_readers(op):
    assert tg.TABLE[op.name] is op
    assert getattr(tg, op.name).op is op
    assert op.doc.strip()
    assert op.text.strip()
    assert op.samples is not None or op.elementwise
    assert op.domain[0] < op.domain[1]
    named = re.findall(r"{(\w+)}", op.text)
    assert set(named) <= {*op.inputs, *op.params}
    if any(op.rule.values()):
        assert set(op.inputs) <= set(named), "the formula names every input"


@pytest.mark.parametrize(
    "path",
    [
        p
        # `program` rewrites NumPy calls, whatever op they come from, and names these.
        for name in sorted(READERS - {"companion", "program"})
        for p in ([ENGINE / f"{name}.py"] if (ENGINE / f"{name}.py").exists() else [])
        + sorted((ENGINE / name).rglob("*.py"))
    ],
    ids=path_id,
)
def test_no_reader_of_the_table_names_an_op(path):
    """What an op needs is in its declaration, not in a tool that compares its name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, (ast.Compare, ast.Dict, ast.MatchValue)):
            continue
        parts = node.keys if isinstance(node, ast.Dict) else list(ast.walk(node))
        constants = {p.value for p in parts if isinstance(p, ast.Constant)}
        named = {c for c in constants if isinstance(c, str)} & set(tg.TABLE)
        assert not named, f"line {node.lineno} names {named}"


# --- the tree -----------------------------------------------------------------------------------

# Spelled apart, so that this file does not contain what it looks for.
MACHINE_PATHS = re.compile(
    r"(?<![\w.~/:])/" + r"(?:work|tmp|root|home|Users|mnt|private)/\w" + r"|[A-Z]:\\\\?Users"
)
TEXTS = {".py", ".md", ".toml", ".cfg", ".yml", ".yaml", ".json", ".html", ".css", ".js", ".txt"}


def test_no_machine_paths():
    folders = ("tinygrad_np", "nn", "examples", "tests", "docs", ".ci")
    files = [p for p in ROOT.iterdir() if p.is_file()]
    for folder in folders:
        files += [p for p in (ROOT / folder).rglob("*") if p.is_file()]
    texts = [p for p in files if p.suffix in TEXTS or p.parent.name == ".ci"]
    assert len(texts) > 30
    found = []
    for path in texts:
        if "__pycache__" in path.parts or ".egg-info" in str(path):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if MACHINE_PATHS.search(line):
                found.append(f"{path_id(path)}:{number}: {line.strip()[:80]}")
    assert not found, "\n".join(found)
    assert MACHINE_PATHS.search("open('/" + "home/somebody/data.csv')")


@pytest.mark.parametrize("path", MODULES, ids=path_id)
def test_modules_can_be_read_in_one_sitting(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 500
    assert max(map(len, lines), default=0) <= 100
    if path.name != "__init__.py" or lines:
        assert ast.get_docstring(ast.parse("\n".join(lines))), "what is this module for?"
