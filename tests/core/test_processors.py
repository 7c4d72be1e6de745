"""A run writes the same bytes with code for AVX-512 and for AVX2 with FMA, and with another number of threads."""

import subprocess
import sys

import pytest

from tests.core.many_runs import rows, runs
from tests.processors import avx2, has_avx512


@pytest.mark.slow
@pytest.mark.skipif(not has_avx512(), reason="this processor has no AVX-512: all code is for AVX2 already")
def test_the_same_bytes_on_other_processors():
    narrow = subprocess.Popen(
        [sys.executable, "-m", "tests.core.many_runs", "2"], env=avx2(), stdout=subprocess.PIPE, text=True
    )
    here = [row for name in runs() for row in rows(name, threads=1)]
    there, _ = narrow.communicate()
    assert narrow.returncode == 0
    assert there.splitlines() == here
