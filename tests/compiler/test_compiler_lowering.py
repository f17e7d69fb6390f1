"""Steps as loops over typed buffers: every op of the table, and what a step leaves behind."""

import numpy as np
import pytest
from loop_interpreter import Machine
from op_cases import CASES, every_case
from random_programs import arrays
from step_cases import TRAININGS, lowered_op, random_step, results_of

import tinygrad_np as tg
from tinygrad_np import nn
from tinygrad_np.compiler.lowering import LoweringError, lower, record_step

# Ops that can't be written as loops, and why.
LAPACK = "the algorithms of LAPACK are no loops"
REFUSED = {
    **dict.fromkeys(["cholesky", "cofactors", "det", "inv", "logabsdet", "solve"], LAPACK),
    "argpartition": "the order of its results is NumPy's own",
    # Of a Tensor of counts or bins; a NumPy array is known when the step is written.
    "digitize": "numbers that are computed in each step, and decide on a shape",
    "repeat": "numbers that are computed in each step, and decide on a shape",
}


def check(case, dtype, tolerance):
    """Compare the loops of a case, carried out by NumPy, with the step itself."""
    lowered, results = lowered_op(case, dtype)
    if results is None:
        assert str(lowered).endswith(REFUSED[case.op.name])
        return
    machine = Machine(lowered)
    machine.step()
    for view, right in zip(lowered.results, results, strict=True):
        assert (view.shape, view.dtype) == (right.shape, right.dtype)
        exact = right.dtype.kind != "f"
        atol = 0 if exact else tolerance
        np.testing.assert_allclose(machine.array(view), right, rtol=atol, atol=atol)


@every_case
def test_loops_compute_as_numpy(case):
    check(case, np.float64, 1e-12)


@pytest.mark.oracle
@every_case
def test_loops_compute_as_numpy_in_single_precision(case):
    check(case, np.float32, 2e-5)


def test_no_op_is_refused_for_nothing():
    cases = [case for case in CASES if case.op.name in REFUSED]
    refused = {case.op.name for case in cases if lowered_op(case, np.float64)[1] is None}
    assert refused == set(REFUSED)


# --- the recording --------------------------------------------------------------------------------


def small():
    """One step of a line, with a generator and a number of its own."""
    rng = np.random.default_rng(5)
    w = nn.Parameter(np.array([2.0, -1.0]))
    x = tg.Tensor([[1.0, 2.0], [3.0, 4.0]], name="x")
    count = tg.Number(3)

    def step():
        noise = tg.randn(2, rng=rng)
        loss = ((x @ w + noise) ** 2).mean() / count.value
        w.grad = None
        loss.backward()
        with tg.no_grad():
            w.assign(w - 0.1 * w.grad)
        count.value += 1
        return loss

    return step, w, x, count, rng


def test_a_recording_changes_nothing():
    step, w, x, count, rng = small()
    before = w.data, w.grad, x.data, count.value, rng.bit_generator.state
    record_step(step)
    assert all(now is then for now, then in zip((w.data, w.grad, x.data), before))
    assert (count.value, rng.bit_generator.state) == before[3:]


def test_values_and_gradients_of_nodes_are_found():
    step, w, x, *_ = small()
    recording = record_step(step)
    lowered = lower(recording.program)
    machine = Machine(lowered)
    machine.run(lowered.loops)
    by_op = {node.op and node.op.name: node for node in recording.values}
    value = machine.array(lowered.views[recording.values[by_op["matmul"]]])
    np.testing.assert_allclose(value, x.data @ w.data)
    leaf = machine.array(lowered.views[recording.gradients[w._node]])
    step()
    np.testing.assert_allclose(leaf, w.grad.data)


@pytest.mark.parametrize("name", TRAININGS)
def test_trainings_are_numpys(name):
    """A few steps: parameters, moments, counters, running means and generators go on."""
    step = TRAININGS[name](np.float64)
    lowered = lower(record_step(step).program)
    machine = Machine(lowered)
    for _ in range(3):
        machine.step()
        np.testing.assert_allclose(machine.array(lowered.results[0]), step().item(), rtol=1e-12)


@pytest.mark.parametrize("make", [nn.RAdam, nn.AdaGrad, nn.NAdam, nn.AdamW])
def test_optimizers_whose_numbers_change(make):
    """Corrections by the count of steps, and rates that follow a schedule."""
    w = nn.Parameter(np.array([2.0, -1.0, 0.5]))
    optimizer = make([w], lr=nn.InverseTimeDecay(0.1, 0.5))

    def step():
        loss = (w * w).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    lowered = lower(record_step(step).program)
    machine = Machine(lowered)
    for _ in range(8):
        machine.step()
        np.testing.assert_allclose(machine.array(lowered.results[0]), step().item(), rtol=1e-12)


def test_a_compiled_step_is_taken_as_its_function():
    step, *_ = small()
    assert len(record_step(tg.compile(step)).program.statements) == len(
        record_step(step).program.statements
    )


def test_the_line_and_section_of_a_loop():
    step, *_ = small()
    loops = lower(record_step(step).program).loops
    first = step.__code__.co_firstlineno
    places = {(loop.section, loop.place[1] - first) for loop in loops}
    assert {("forward", 2), ("backward", 4), ("update", 6)} <= places
    assert {loop.place[0] for loop in loops} == {__file__}


def test_random_programs_are_numpys():
    """Views, writes, states, random numbers and optimizers; very few of them are refused."""
    refused = 0
    for seed in range(12):
        step = random_step(seed)
        with np.errstate(all="ignore"):
            step()  # gradients are there from here on
            try:
                lowered = lower(record_step(step).program)
            except tg.CompileError:
                refused += 1
                continue
            machine = Machine(lowered)
            for _ in range(2):
                machine.step()
                for view, right in zip(lowered.results, arrays(step()), strict=True):
                    value = machine.array(view)
                    np.testing.assert_allclose(value, right, 1e-9, 1e-11, err_msg=str(seed))
    assert refused == 0


# --- memory ---------------------------------------------------------------------------------------


def check_step(step):
    """Compare three steps with those of the interpreter."""
    lowered = lower(record_step(step).program)
    machine = Machine(lowered)
    for _ in range(3):
        machine.step()
        for view, right in zip(lowered.results, results_of(step), strict=True):
            np.testing.assert_array_equal(machine.array(view), right)


def test_tensors_that_change_places():
    a, b, c = tg.Tensor([1.0, 2.0]), tg.Tensor([3.0, 4.0]), tg.Tensor([5.0, 6.0])

    def step():
        first, second = a.detach(), b.detach()
        a.assign(second)
        b.assign(c)
        c.assign(first)
        return a * 1, b * 1, c * 1

    check_step(step)


def test_an_operand_that_is_written_over():
    """Parts of one array that overlap: NumPy reads all before it writes."""

    def shifted(x):
        y = x * 1.0
        y[1:] += y[:-1]
        y[::-1] -= y
        y[2:] = y[:-2]
        return y

    moved = tg.define_op(shifted, x=None, text="shifted({x})", samples=lambda normals: [])
    x = tg.Tensor(np.arange(6.0))
    check_step(lambda: moved(x))


MASK = np.array([True, False, True])


@pytest.mark.parametrize(
    "pick",
    [
        lambda x: x[:, [0, 2], :, [1, 1]],
        lambda x: x[0, :, [0, -1]],
        lambda x: x[:, None, [1, 0], ..., 2],
        lambda x: x[:, MASK],
        lambda x: x[np.array([[1], [0]]), [0, 2]],
        lambda x: x[::-1, 1:, -1, ::2],
        lambda x: tg.take(x, [[5, -7]], 1, mode="wrap"),
        lambda x: tg.take(x, [9, -9, 1], 3, mode="clip"),
        lambda x: tg.take(x, [[3, -1], [0, 50]]),
    ],
)
def test_indices_of_every_kind(pick):
    x = tg.Tensor(np.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5), requires_grad=True)

    def step():
        x.grad = None
        y = pick(x)
        (y * y).sum().backward()
        return y, x.grad

    check_step(step)


def test_indices_that_each_step_computes():
    """One number picks a view in NumPy; here it must not stay the row of the recording."""

    def picked(x):
        row = x[np.argmax(x[:, 0])]
        return row * row[::2].reshape(2, 1)

    pick = tg.define_op(picked, x=None, text="pick({x})", samples=lambda normals: [])
    x = tg.Tensor(np.arange(12.0).reshape(3, 4))

    def step():
        y = pick(x)
        x.assign(tg.flip(x, 0) * [1.0, 2.0, 0.5, 3.0])
        return y, tg.take(x, tg.argmax(x[:, 1]), 0)

    check_step(step)
    cut = tg.define_op(
        lambda x: x[: np.argmax(x[:, 0])], x=None, text="cut({x})", samples=lambda normals: []
    )
    with pytest.raises(LoweringError, match="a slice that is computed in each step"):
        lower(record_step(lambda: cut(x)).program)


def test_writes_where_a_mask_says():
    x = tg.Tensor(np.arange(12.0).reshape(3, 4))

    def step():
        y = x * 1
        y[MASK] = 7.0
        y[MASK, 1] += 2.0
        return tg.where(y > 5, y, -y)

    check_step(step)


def test_truths_are_no_numbers():
    x = tg.Tensor([True, True, False])
    y = tg.Tensor([True, False, False])
    check_step(lambda: (x + y, x * y, (x + y).sum(), tg.maximum(x, y), np.logical_xor(x, y)))


def test_orders_of_elements():
    x = tg.Tensor(np.arange(12.0).reshape(3, 4)[:, ::-1])
    fold = tg.define_op(
        lambda x: np.reshape(x, (2, 6), "F") + x.reshape(6, 2, order="F").T,
        x=None, text="fold({x})", samples=lambda normals: [],
    )  # fmt: skip
    product = tg.define_op(
        lambda x: x.dot(x.T) + np.dot(x, x.T) + np.outer(x[0], x[1])[:3, :3],
        x=None, text="product({x})", samples=lambda normals: [],
    )  # fmt: skip
    check_step(lambda: (fold(x), product(x)))


def test_a_number_is_ordered_and_summed_as_a_vector_of_one():
    x = tg.Tensor(3.0)
    kinds = {"order": lambda x: np.argsort(x), "sums": lambda x: np.cumsum(x, axis=0)}
    for name, f in kinds.items():
        op = tg.define_op(f, x=None, text=f"{name}({{x}})", samples=lambda normals: [])
        check_step(lambda op=op: op(x))


def test_a_state_that_is_stretched_is_refused():
    mean = tg.broadcast_to(tg.Tensor([1.0]), (3,))
    assert mean.data.strides == (0,)
    x = tg.Tensor([1.0, 2.0, 3.0])

    def step():
        mean.assign(mean * 0.5 + x)
        return mean * 1

    with pytest.raises(LoweringError, match="stretched over its axes by broadcasting"):
        lower(record_step(step).program)


# --- errors ---------------------------------------------------------------------------------------


def line_of(function, after):
    return f"{__file__}:{function.__code__.co_firstlineno + after}: "


def test_a_refusal_names_call_reason_and_line():
    x = tg.Tensor(np.eye(3), requires_grad=True)

    def step():
        return tg.inv(x * 2)

    with pytest.raises(LoweringError) as error:
        lower(record_step(step).program)
    line = step.__code__.co_firstlineno + 1
    assert str(error.value) == (
        f"test_compiler_lowering.py:{line}: np.linalg.inv (forward) can't be written as loops: "
        "the algorithms of LAPACK are no loops"
    )
    assert isinstance(error.value, tg.CompileError)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (np.float16, "float16 arrays"),
        (np.complex128, "complex128 arrays"),
    ],
)
def test_dtypes_that_backends_lack(made, reason):
    x = tg.Tensor(np.ones(3, made))
    with pytest.raises(LoweringError, match=reason):
        lower(record_step(lambda: x + x).program)


@pytest.mark.parametrize("bits", [np.random.MT19937, np.random.Philox])
def test_generators_that_backends_lack(bits):
    rng = np.random.Generator(bits(0))
    with pytest.raises(LoweringError, match=f"random numbers of {bits.__name__}, and not of PCG64"):
        lower(record_step(lambda: tg.rand(3, rng=rng)).program)


def test_a_schedule_in_plain_python_is_refused():
    w = nn.Parameter(np.ones(3))
    optimizer = nn.SGD([w], lr=lambda step: 0.1 if step < 5 else 0.01)

    def step():
        loss = (w * w).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    with pytest.raises(LoweringError, match="which only Python can call"):
        lower(record_step(step).program)


def test_a_step_needs_no_arguments():
    def step(x, y, *, rate=0.1):
        return x + y

    with pytest.raises(TypeError, match=r"step needs x, y: give lambda: .*step\(x, y\)"):
        record_step(step)
    with pytest.raises(TypeError, match="not int"):
        record_step(3)


def test_a_step_that_branches_on_a_value():
    x = tg.Tensor([1.0])

    def step():
        return x * 2 if x.sum() > 0 else x

    with pytest.raises(tg.CompileError, match="branches on a value") as error:
        record_step(step)
    assert str(error.value).startswith(line_of(step, 1))


def test_a_step_that_raises_raises_that():
    step, w, *_ = small()
    before = w.data

    def failing():
        step()
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        record_step(failing)
    assert w.data is before


def test_a_step_that_counts_in_plain_python():
    state = {"steps": 0}
    x = tg.Tensor([1.0])

    def step():
        state["steps"] += 1
        return x * 2

    with pytest.raises(tg.CompileError, match=r"steps.*a Python value"):
        record_step(step)
    assert state == {"steps": 0}


def test_gradients_that_the_next_step_finds_otherwise():
    w = nn.Parameter(np.ones(2))

    def step():
        loss = (w * w).sum()
        loss.backward()
        return loss

    with pytest.raises(tg.CompileError, match="adds to a gradient that is None before the first"):
        record_step(step)
    step()

    check_step(lambda: (step(), w.grad)[1])  # from here on each step adds to what is there

    def clears():
        step()
        w.grad = None

    with pytest.raises(tg.CompileError, match="clears a gradient that is an array before"):
        record_step(clears)


def test_an_array_that_changes_after_it_was_used():
    x = tg.Tensor([1.0, 2.0])

    def step():
        scale = np.ones(2)
        y = x * tg.Tensor(scale)
        scale[0] = 5.0
        return y

    with pytest.raises(tg.CompileError, match="written to later in the step") as error:
        record_step(step)
    assert str(error.value).startswith(line_of(step, 2))


def test_random_numbers_begin_where_the_generator_was():
    """Also if the program goes on while the loops wait."""
    rng = np.random.default_rng(0)
    lowered = lower(record_step(lambda: tg.rand(3, rng=rng)).program)
    right = np.random.default_rng(0).random(3)
    rng.random(100)
    machine = Machine(lowered)
    machine.step()
    np.testing.assert_array_equal(machine.array(lowered.results[0]), right)
