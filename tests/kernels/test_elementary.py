"""exp, log and tanh against numpy in extended precision."""

import numpy as np
import pytest
from numba import njit

from algos.kernels.elementary import exp, log, tanh


@njit
def each_exp(x, out):
    for i in range(x.size):
        out[i] = exp(x[i])


@njit
def each_log(x, out):
    for i in range(x.size):
        out[i] = log(x[i])


@njit
def each_tanh(x, out):
    for i in range(x.size):
        out[i] = tanh(x[i])


def apply(function, x):
    out = np.empty_like(x)
    function(x, out)
    return out


no_wider = pytest.mark.skipif(
    np.finfo(np.longdouble).eps == np.finfo(np.float64).eps, reason="this system has no floats wider than float64"
)
each_dtype = pytest.mark.parametrize("dtype", [np.float32, pytest.param(np.float64, marks=no_wider)])


@pytest.mark.parametrize(
    ("function", "oracle", "dtype", "ulps"),
    [
        (each_exp, np.exp, np.float32, 1.5),
        pytest.param(each_exp, np.exp, np.float64, 1.5, marks=no_wider),
        (each_tanh, np.tanh, np.float32, 5.5),
        pytest.param(each_tanh, np.tanh, np.float64, 2.5, marks=no_wider),
    ],
)
def test_error_in_units_of_the_last_place(function, oracle, dtype, ulps):
    rng = np.random.default_rng(0)
    limit = 86 if dtype == np.float32 else 700
    x = np.concatenate([rng.uniform(-limit, limit, 200_000), rng.normal(size=200_000), 1e-3 * rng.normal(size=50_000)])
    x = x.astype(dtype)
    exact = oracle(x.astype(np.longdouble))
    error = np.abs(apply(function, x) - exact) / np.spacing(np.abs(exact).astype(dtype))
    assert error.max() < ulps


@each_dtype
def test_error_of_log(dtype):
    rng = np.random.default_rng(0)
    limit = 86 if dtype == np.float32 else 700
    wide, near_one = np.exp(rng.uniform(-limit, limit, 200_000)), 1 + 1e-3 * rng.normal(size=50_000)
    x = np.concatenate([wide, rng.uniform(0.5, 2, 200_000), near_one]).astype(dtype)
    exact = np.log(x.astype(np.longdouble))
    error = np.abs(apply(each_log, x) - exact) / np.spacing(np.abs(exact).astype(dtype))
    assert error.max() < 1.5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_special_values(dtype):
    x = np.array([np.nan, np.inf, -np.inf, 0.0, 1e4, -1e4], dtype)
    np.testing.assert_array_equal(apply(each_exp, x), np.array([np.nan, np.inf, 0, 1, np.inf, 0], dtype))
    np.testing.assert_array_equal(apply(each_log, np.array([np.nan, np.inf, 1], dtype)), [np.nan, np.inf, 0])
    np.testing.assert_array_equal(apply(each_tanh, x), np.array([np.nan, 1, -1, 0, 1, -1], dtype))


def test_tanh_is_odd_and_never_above_1():
    x = np.linspace(0, 12, 1_000_001, dtype=np.float32)
    result = apply(each_tanh, x)
    np.testing.assert_array_equal(apply(each_tanh, -x), -result)
    assert result.max() == 1
    assert np.diff(result).min() > -5e-7  # neighbours may change places by their errors only
    np.testing.assert_array_equal(result[x > 9.5], 1)


def test_a_value_has_the_same_bits_wherever_it_stands():
    x = np.abs(np.random.default_rng(1).normal(size=1000)).astype(np.float32)
    for function in (each_exp, each_log, each_tanh):
        whole = apply(function, x)
        for start, stop in ((0, 1), (3, 20), (501, 1000)):
            np.testing.assert_array_equal(apply(function, x[start:stop].copy()), whole[start:stop])
