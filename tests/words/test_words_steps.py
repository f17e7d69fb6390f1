"""Step functions, whose derivative is 0 everywhere, in the answers of `why` and `lint`."""

import numpy as np

import tinygrad_np as tg


def test_a_loss_that_is_constant_in_pieces():
    w = tg.Tensor([[1.5, -2.0]], requires_grad=True, name="w")
    predictions = w.argmax(axis=1)
    wrong = (predictions != np.array([1])).mean()
    said = "computed through argmax at "
    assert said in str(tg.why(predictions))
    assert said in str(tg.why(wrong))
    assert said in str(tg.why(w, wrong))
    report = " ".join(str(tg.lint(wrong)).split())  # lines break where a path is long
    assert said in report
    assert "keep this one as a metric" in report


def test_a_loss_that_was_cut_off_is_not_laid_to_a_step_function():
    w = tg.Tensor([1.5, -2.0], requires_grad=True, name="w")
    loss = np.sign(w.detach()).sum()
    for answer in (tg.why(loss), tg.why(w, loss), tg.lint(loss)):
        assert "derivative is zero" not in str(answer)
