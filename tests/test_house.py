"""The house: its rooms and who imports whom, the sizes and the English of its files, its table."""

import ast
import importlib
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest
from folded import folded

import tinygrad_np as tg

ROOT = Path(__file__).parent.parent
ENGINE = ROOT / "tinygrad_np"
ENGINE_FILES = sorted(ENGINE.rglob("*.py"))
NN_FILES = sorted((ROOT / "nn").rglob("*.py"))
FILES = [*ENGINE_FILES, *NN_FILES]
OPTIONAL = ["matplotlib", "graphviz", "graphviz_pure", "tqdm", "nnfs", "IPython", "PIL"]
OPTIONAL += ["sklearn", "scipy", "safetensors", "torch", "pandas", "onnx", "onnxruntime"]
OPTIONAL += ["mpi4py"]
PACKAGE_OF = {"nn/sklearn.py": "sklearn", "nn/distributed.py": "mpi4py"}  # imported up front

# A room imports itself and rooms further up in this list.
ROOMS = [
    "core",
    "ops",
    "formulas",
    "recording",
    "transforms",
    "compiler",
    "checks",
    "pictures",
    "page",
    "graphs",
    "words",
    "demo",
    "learn",
]
LIGHT = ["core", "ops"]  # what `import tinygrad_np` loads
ABOVE_NN = ["demo", "learn"]  # the rooms that may use nn, and the public names as users do
LITERATE = ["op.py", "node.py", "backward.py"]
NUMERIC_KERNELS = {  # files of array arithmetic, whose lines are formulas
    "nn/distributions/continuous.py",
    "tinygrad_np/checks/differences.py",
    "tinygrad_np/compiler/lowering/einsum.py",
    "tinygrad_np/compiler/lowering/formulas.py",
    "tinygrad_np/compiler/onnx/elementwise.py",
    "tinygrad_np/compiler/onnx/following.py",
    "tinygrad_np/compiler/onnx/functions.py",
    "tinygrad_np/compiler/onnx/indexing.py",
    "tinygrad_np/compiler/onnx/networks.py",
    "tinygrad_np/compiler/onnx/reductions.py",
    "tinygrad_np/ops/conv.py",
    "tinygrad_np/ops/depthwise.py",
    "tinygrad_np/ops/sliding.py",
    "tinygrad_np/pictures/columns.py",
    "tinygrad_np/pictures/layers.py",
    "tinygrad_np/pictures/layout.py",
    "tinygrad_np/transforms/array_rules.py",
    "tinygrad_np/transforms/product_rules.py",
}
PACKAGES = ["tinygrad_np", "nn"] + [f"tinygrad_np.{r}" for r in ROOMS if (ENGINE / r).exists()]


def path_id(path):
    return path.relative_to(ROOT).as_posix()


def room_of(path):
    """The room that a file of the engine is in; "" for the files of the root."""
    parts = path.relative_to(ENGINE).parts
    return parts[0] if len(parts) > 1 else ""


def imports(path, *, inside_functions=True):
    """Names of the modules that a file imports, relative ones made absolute.

    Those for type checkers count, and so do those inside functions unless said otherwise.
    """
    package = path.relative_to(ROOT).parent.parts
    modules = set()
    waiting = list(ast.parse(path.read_text(encoding="utf-8")).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *(node.module.split(".") if node.module else ())])
            for alias in node.names:
                below = ROOT.joinpath(*module.split("."), alias.name)
                is_module = below.is_dir() or any(
                    below.with_suffix(suffix).exists() for suffix in (".py", ".pyi")
                )
                modules.add(f"{module}.{alias.name}" if is_module else module)
        elif inside_functions or not is_deferred(node):
            waiting.extend(ast.iter_child_nodes(node))
    return modules


def is_deferred(node):
    """Whether what is in this node runs later, or for type checkers alone."""
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.unparse(node.test)
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))


# --- the rooms ----------------------------------------------------------------------------------


def test_the_walk_sees_imports():
    """The tests below would pass on a walk that finds nothing."""
    modules = imports(ENGINE / "ops" / "apply.py", inside_functions=False)
    assert {"numpy", "tinygrad_np.core.node", "tinygrad_np.core.tensor"} <= modules
    assert "tinygrad_np.core.op" not in modules
    assert "tinygrad_np.core.op" in imports(ENGINE / "ops" / "apply.py")
    assert "tinygrad_np.core.methods" in imports(ENGINE / "core" / "tensor.py")
    assert any("tqdm" in name for name in imports(ROOT / "nn" / "training" / "progress.py"))


def test_every_file_is_in_a_room():
    rooms = {p.name for p in ENGINE.iterdir() if p.is_dir() and any(p.glob("*.py"))}
    assert rooms <= set(ROOMS)
    assert {p.name for p in ENGINE.glob("*.py")} == {"__init__.py"}


@folded
@pytest.mark.parametrize("path", ENGINE_FILES, ids=path_id)
def test_imports_go_one_way(path):
    """From a room to those before it in the list: so there are no circles between rooms."""
    own = room_of(path)
    if not own:
        return
    for module in imports(path):
        parts = module.split(".")
        if parts[0] == "nn":
            assert own in ABOVE_NN, f"{path_id(path)} imports nn"
        if parts[0] != "tinygrad_np":
            continue
        if len(parts) == 1:
            assert own in ABOVE_NN, f"{path_id(path)} imports the whole package"
            continue
        assert ROOMS.index(parts[1]) <= ROOMS.index(own), f"{path_id(path)} imports {module}"


@folded
@pytest.mark.parametrize("path", NN_FILES, ids=path_id)
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


@folded
@pytest.mark.parametrize("path", FILES, ids=path_id)
def test_numpy_is_all_that_is_imported_up_front(path):
    """Optional packages are imported where they are used, or in a module made for one."""
    roots = {name.split(".")[0] for name in imports(path, inside_functions=False)}
    may_use_nn = path.is_relative_to(ROOT / "nn") or room_of(path) in ABOVE_NN
    allowed = {"numpy", "tinygrad_np"} | ({"nn"} if may_use_nn else set())
    allowed |= {PACKAGE_OF.get(path_id(path))}
    assert roots - set(sys.stdlib_module_names) <= allowed


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT
    )


def test_import_loads_the_core_alone():
    heavy = [*OPTIONAL, "nn", *(f"tinygrad_np.{room}" for room in ROOMS if room not in LIGHT)]
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
    names = getattr(module, "__all__", [])
    assert len(set(names)) == len(names)
    for name in names:
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


@folded
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


READERS = [
    path
    for path in ENGINE_FILES
    # The compiler rewrites NumPy calls, whatever op they come from, and names these.
    if room_of(path) not in ("", "core", "ops", "compiler")
]


@folded
@pytest.mark.parametrize("path", READERS, ids=path_id)
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


# --- sizes and English --------------------------------------------------------------------------

_LAYOUT = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}


def docstrings(tree):
    """The nodes of a syntax tree that have a docstring, with the expression that holds it."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, kinds) and ast.get_docstring(node) is not None:
            yield node, node.body[0]


# Since Python 3.12 an f-string is many tokens; here it is one, as before.
_FSTRING_START = getattr(tokenize, "FSTRING_START", None)
_FSTRING_END = getattr(tokenize, "FSTRING_END", None)


def code_size(text):
    """Lines and tokens of code: without blank lines, comments and docstrings."""
    prose = set()
    for _, docstring in docstrings(ast.parse(text)):
        prose.update(range(docstring.lineno, docstring.end_lineno + 1))
    lines, tokens = set(), 0
    depth = 0  # of nested f-strings
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in _LAYOUT or token.start[0] in prose:
            continue
        lines.update(range(token.start[0], token.end[0] + 1))
        tokens += depth == 0
        if token.type == _FSTRING_START:
            depth += 1
        elif token.type == _FSTRING_END:
            depth -= 1
    return len(lines), tokens


def test_code_is_counted():
    text = '"""Doc."""\n\nx = 1  # why\n\ndef f(a):\n    """Doc."""\n    return a + x\n'
    assert code_size(text) == (3, 3 + 6 + 4)
    assert code_size("x = f'{a + 1} {f\"{b}\"}'\n") == (1, 3)


def test_the_core_is_read_in_one_sitting():
    sizes = [code_size((ENGINE / "core" / name).read_text(encoding="utf-8")) for name in LITERATE]
    lines, tokens = (sum(column) for column in zip(*sizes, strict=True))
    assert lines <= 430
    assert tokens <= 8 * lines


@folded
@pytest.mark.parametrize("path", FILES, ids=path_id)
def test_files_are_short_and_airy(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    assert max(map(len, text.splitlines()), default=0) <= 100
    if "solutions" in path.parts or (path.parent / "solutions").exists():
        return  # exercises: ten lines of formulas
    lines, tokens = code_size(text)
    most = 12 if path_id(path) in NUMERIC_KERNELS else 11
    assert tokens <= most * lines, f"{tokens / lines:.1f} tokens a line"


@folded
@pytest.mark.parametrize("path", FILES, ids=path_id)
def test_docstrings_begin_with_what_they_are_about(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "what is this file for?"
    for node, _ in docstrings(tree):
        head = ast.get_docstring(node).split()[0].rstrip(":,")
        name = getattr(node, "name", path.name)
        assert head not in {"What", "Where", "Whether", "How"}, f"{name}: {head} ..."
