"""Layers of `nn` beside PyTorch's: the same parameters, inputs and gradients."""

import numpy as np

import nn
import tinygrad_np as tg

SWAPPED = ("Linear", "RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell", "MultiheadAttention")


def pairs(ours, theirs):
    """The parameters and buffers of both, and if one is the other's transpose."""
    names = dict(theirs.named_parameters()) | dict(theirs.named_buffers())
    modules = dict(theirs.named_modules())
    own = dict(ours.named_parameters()) | dict(ours.named_buffers())
    assert own.keys() == names.keys(), (list(own), list(names))
    for name, value in own.items():
        kind = type(modules[name.rpartition(".")[0]]).__name__
        swapped = kind in SWAPPED or kind == "NonDynamicallyQuantizableLinear"
        yield value, names[name], swapped and value.ndim == 2


def turned(array, swapped):
    return array.T if swapped else array


def copy_parameters(ours, theirs):
    """Give PyTorch's layer our parameters."""
    import torch

    with torch.no_grad():
        for value, their, swapped in pairs(ours, theirs):
            assert turned(value.numpy(), swapped).shape == tuple(their.shape)
            their.copy_(torch.tensor(turned(value.numpy(), swapped).copy()))


def close(a, b, tolerance=1e-9):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance)


def leaves(tree):
    """The arrays in nested results."""
    if isinstance(tree, (tuple, list)):
        return [leaf for part in tree for leaf in leaves(part)]
    return [] if tree is None else [tree]


def same_training(ours, theirs, *arrays, steps=1, compiled=False, tolerance=1e-9):
    """Outputs, gradients, states and the parameters after some steps are PyTorch's."""
    import torch

    rng = np.random.default_rng(7)
    copy_parameters(ours, theirs)
    optimizer = their_optimizer = None
    if ours.parameters():
        optimizer = nn.Adam(ours.parameters(), lr=0.01)
        their_optimizer = torch.optim.Adam(theirs.parameters(), lr=0.01)

    def step(*inputs):
        outputs = leaves(ours(*inputs))
        loss = sum((out * w).sum() for out, w in zip(outputs, weights))
        if optimizer is not None:
            optimizer.zero_grad()
        loss.backward()
        if optimizer is not None:
            optimizer.step()
        return outputs

    run = tg.compile(step) if compiled else step
    weights = None
    for _ in range(steps):
        inputs = [tg.Tensor(a, requires_grad=a.dtype.kind == "f" and not compiled) for a in arrays]
        their_inputs = [torch.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
        expected = leaves(theirs(*their_inputs))
        if weights is None:
            weights = [rng.standard_normal(tuple(out.shape)) for out in expected]
        if their_optimizer is not None:
            their_optimizer.zero_grad()
        sum((o * torch.tensor(w)).sum() for o, w in zip(expected, weights)).backward()
        outputs = run(*inputs)
        assert [out.shape for out in outputs] == [tuple(out.shape) for out in expected]
        for out, right in zip(outputs, expected):
            close(out.numpy(), right.detach(), tolerance)
        for x, right in zip(inputs, their_inputs):
            if x.requires_grad:
                close(x.grad.numpy(), right.grad, tolerance)
        for value, their, swapped in pairs(ours, theirs):
            if isinstance(value, nn.Parameter):
                close(turned(value.grad.numpy(), swapped), their.grad, 1e-8)
        if their_optimizer is not None:
            their_optimizer.step()
        for value, their, swapped in pairs(ours, theirs):
            close(turned(value.numpy(), swapped), their.detach(), 1e-7)
