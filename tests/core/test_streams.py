"""The numbers that seeds draw."""

import numba
import numpy as np

from algos.streams import Streams


def test_numbers_do_not_depend_on_the_threads_that_draw_them():
    drawn = []
    before = numba.get_num_threads()
    try:
        for threads in (1, before):
            numba.set_num_threads(threads)
            streams = Streams(range(5, 12), "actions")
            numbers = [streams.permutations(2, 5000), streams.standard_normal((3000, 2), np.float32)]
            drawn.append([*numbers, streams.uniform((9000,), np.float64), streams.state_dict()["pcg64"]])
    finally:
        numba.set_num_threads(before)
    for one, other in zip(*drawn, strict=True):
        np.testing.assert_array_equal(one, other)
    own = Streams([11], "actions")
    np.testing.assert_array_equal(own.permutations(2, 5000)[0], drawn[0][0][6])
