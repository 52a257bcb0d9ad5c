"""exp, log and the logistic function against double precision."""

import numpy as np

from recsim import rng
from recsim.kernels.mathf import sigmoid32


def _ulp(got, exact):
    exact32 = exact.astype(np.float32)
    return np.abs(got.astype(float) - exact) / np.spacing(np.abs(exact32)).astype(float)


def test_exp():
    x = np.linspace(-86, 87, 400_001).astype(np.float32)
    assert _ulp(rng.exponentials(x), np.exp(x.astype(float))).max() <= 2


def test_exp_is_clipped():
    out = rng.exponentials(np.array([-1000, 1000], np.float32))
    assert np.isfinite(out).all() and out[0] > 0


def test_log():
    x = np.exp(np.linspace(-80, 80, 400_001)).astype(np.float32)
    exact = np.log(x.astype(float))
    far = np.abs(exact) > 0.05
    assert _ulp(rng.logarithms(x)[far], exact[far]).max() <= 2
    assert np.abs(rng.logarithms(x) - exact).max() < 1e-5


def test_log_of_one_is_zero():
    assert rng.logarithms(np.ones(1, np.float32))[0] == 0


def test_sigmoid():
    for x in (-30.0, -2.5, 0.0, 0.7, 12.0):
        assert abs(float(sigmoid32(np.float32(x))) - 1 / (1 + np.exp(-x))) < 1e-6
