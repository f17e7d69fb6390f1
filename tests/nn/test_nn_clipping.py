"""Gradient clipping, and averages of the weights: against PyTorch, compiled, and saved."""

import copy
import math

import numpy as np
import pytest

import nn
import tinygrad_np as tg

EXACT = tuple(name for name in tg.PASSES if name not in tg.REORDERING_PASSES)


def with_gradients(scale=1.0, dtype=np.float64):
    rng = np.random.default_rng(0)
    params = [nn.Parameter(np.zeros(s), dtype=dtype) for s in ((3, 2), (2,), (), (4,))]
    for p in params[:3]:
        p.grad = tg.Tensor(scale * rng.standard_normal(p.shape), dtype=dtype)
    return params


# --- clipping -------------------------------------------------------------------------------------


@pytest.mark.oracle
@pytest.mark.parametrize("order", [1, 2.0, 3.5, math.inf])
@pytest.mark.parametrize("limit", [0.0, 0.3, 1e3])
def test_clipped_norms_are_pytorchs(order, limit):
    torch = pytest.importorskip("torch")
    params = with_gradients()
    theirs = [torch.tensor(p.numpy(), requires_grad=True) for p in params]
    for p, q in zip(params, theirs):
        q.grad = None if p.grad is None else torch.tensor(p.grad.numpy())
    norm = nn.clip_grad_norm_(iter(params), limit, order)
    expected = torch.nn.utils.clip_grad_norm_(theirs, limit, order)
    assert norm.shape == ()
    assert norm.item() == pytest.approx(expected.item(), rel=1e-12)
    for p, q in zip(params[:3], theirs):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-12)
    assert params[3].grad is None


def test_clipped_values():
    params = with_gradients(dtype=np.float32)
    before = [p.grad.numpy().copy() for p in params[:3]]
    nn.clip_grad_value_(params, 0.25)
    for p, g in zip(params, before):
        np.testing.assert_array_equal(p.grad.numpy(), np.clip(g, -0.25, 0.25))
        assert p.grad.dtype == np.float32
    nn.clip_grad_value_(params[0], 0.0)
    assert not params[0].grad.numpy().any()


def test_norms_that_are_not_finite():
    params = with_gradients()
    params[1].grad = tg.Tensor([1.0, np.nan])
    before = params[0].grad.numpy().copy()
    with pytest.raises(FloatingPointError, match="norm of the gradients is nan"):
        nn.clip_grad_norm_(params, 1.0, error_if_nonfinite=True)
    np.testing.assert_array_equal(params[0].grad.numpy(), before)
    assert math.isnan(nn.clip_grad_norm_(params, 1.0).item())
    assert np.isnan(params[0].grad.numpy()).all()
    assert nn.clip_grad_norm_([nn.Parameter([1.0])], 1.0).item() == 0


def test_half_floats_do_not_overflow_in_the_norm():
    params = with_gradients(1e3, np.float16)
    expected = math.sqrt(sum((p.grad.numpy().astype(float) ** 2).sum() for p in params[:3]))
    assert nn.clip_grad_norm_(params, 1.0).item() == pytest.approx(expected, rel=1e-5)
    assert params[0].grad.dtype == np.float16
    assert params[0].grad.numpy().any()


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda p: nn.clip_grad_norm_(p, -1), ValueError, "max_norm must not be negative"),
        (lambda p: nn.clip_grad_norm_(p, 1, 0), ValueError, "norm_type must be a number above 0"),
        (lambda p: nn.clip_grad_norm_(p, 1, "fro"), ValueError, "norm_type must be a number"),
        (lambda p: nn.clip_grad_value_(p, None), TypeError, "clip_value must be a number"),
    ],
)
def test_wrong_limits(call, error, said):
    with pytest.raises(error, match=said):
        call(with_gradients())


# --- averages -------------------------------------------------------------------------------------


def network():
    rng = np.random.default_rng(3)
    dense = {"rng": rng, "dtype": np.float64}
    norm = nn.BatchNorm1d(4, dtype=np.float64)
    return nn.Sequential(nn.Linear(2, 4, **dense), norm, nn.Linear(4, 1, **dense))


X = np.random.default_rng(0).standard_normal((12, 2))


def train(model, optimizer, ema):
    loss = (model(X) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    nn.clip_grad_norm_(model.parameters(), 0.1)
    nn.clip_grad_value_(model.parameters(), 0.05)
    optimizer.step()
    ema.update()
    return loss


def setup():
    model = network()
    return model, nn.Adam(model.parameters(), lr=0.1), nn.EMA(model, decay=0.9)


@pytest.mark.oracle
def test_averages_are_pytorchs():
    torch = pytest.importorskip("torch")
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    model, optimizer, ema = setup()
    theirs = torch.nn.Module()
    for name, p in (*model.named_parameters(), *model.named_buffers()):
        theirs.register_buffer(name.replace(".", "_"), torch.tensor(p.numpy()))
    average = AveragedModel(theirs, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
    for _ in range(6):
        train(model, optimizer, ema)
        for name, p in (*model.named_parameters(), *model.named_buffers()):
            getattr(theirs, name.replace(".", "_")).copy_(torch.tensor(p.numpy()))
        average.update_parameters(theirs)
    expected = dict(average.module.named_buffers())
    state = ema.state_dict()
    for name, _ in model.named_parameters():
        own = state[f"averages.{name}"]
        np.testing.assert_allclose(own, expected[name.replace(".", "_")], rtol=1e-12)
    np.testing.assert_allclose(
        state["averages.1.running_mean"], expected["1_running_mean"], rtol=1e-12
    )
    assert state["averages.1.num_batches_tracked"] == 6
    assert ema.updates == 6


def test_the_model_has_the_averages_inside_of_with():
    model, optimizer, ema = setup()
    for _ in range(3):
        train(model, optimizer, ema)
    own, output = model.state_dict(), model.predict(X)
    with ema:
        inside = model.state_dict()
        for name, value in inside.items():
            np.testing.assert_array_equal(value, ema.state_dict()[f"averages.{name}"])
        with pytest.raises(RuntimeError, match="inside of `with ema:`"):
            ema.update()
        with pytest.raises(RuntimeError, match="in an outer `with ema:`"):
            ema.__enter__()
        assert not np.array_equal(model.predict(X), output)
    with pytest.raises(ZeroDivisionError), ema:
        raise ZeroDivisionError
    assert all(np.array_equal(own[name], v) for name, v in model.state_dict().items())
    other = network()
    ema.apply_to(other)
    assert all(np.array_equal(inside[name], v) for name, v in other.state_dict().items())
    with pytest.raises(KeyError, match=r"0\.weight"):
        ema.apply_to(nn.Linear(2, 4))


def test_compiled_averages_and_clipping_have_the_same_bits():
    plain, other = setup(), setup()
    step = tg.compile(lambda: train(*other), passes=EXACT)
    for _ in range(6):
        assert train(*plain).item() == step().item()
        states = plain[2].state_dict(), other[2].state_dict()
        assert all(np.array_equal(states[0][name], states[1][name]) for name in states[0])
    assert "1 program" in repr(step)


def test_averages_are_saved_and_go_on(tmp_path):
    model, optimizer, ema = setup()
    for _ in range(3):
        train(model, optimizer, ema)
    nn.save({"ema": ema}, tmp_path / "ema.npz")
    twin, twin_optimizer, twin_ema = copy.deepcopy((model, optimizer, ema))
    fresh = nn.EMA(twin, decay=0.9)
    nn.load(tmp_path / "ema.npz", {"ema": fresh})
    train(model, optimizer, ema)
    train(twin, twin_optimizer, fresh)
    ends = ema.state_dict(), fresh.state_dict()
    assert all(np.array_equal(ends[0][name], ends[1][name]) for name in ends[0])
    assert twin_ema.updates == 3
    with pytest.raises(KeyError, match=r"missing \['averages\.0\.bias'"):
        fresh.load_state_dict({"updates": 1})
    assert fresh.updates == 4
    with pytest.raises(ValueError, match=r"decay must be in \[0, 1\)"):
        nn.EMA(model, 1.0)


def test_averages_of_float32_stay_so():
    model = nn.Linear(2, 1)
    ema = nn.EMA(model, np.float64(0.9))
    for _ in range(2):
        ema.update()
    assert {a.dtype for n, a in ema.state_dict().items() if n != "updates"} == {np.dtype("f4")}
