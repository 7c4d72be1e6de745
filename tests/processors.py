"""Processors that this one can play: environment variables that keep every library from wider instructions."""

import os

import llvmlite.binding as llvm
from numpy._core._multiarray_umath import __cpu_dispatch__ as numpy_targets  # NumPy has no public name for them


def has_avx512() -> bool:
    """Whether this processor has AVX-512, so that code for AVX2 is other code."""
    return bool(llvm.get_host_cpu_features().get("avx512f"))


def avx2() -> dict[str, str]:
    """The environment of a process whose own compiled code, and that of all libraries, is for AVX2 and FMA."""
    wider = ("avx512", "avx10", "amx")
    features = llvm.get_host_cpu_features().items()
    narrow = ",".join(f"{'+' if have and not name.startswith(wider) else '-'}{name}" for name, have in features)
    return {
        **os.environ,
        "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": narrow,
        "ATEN_CPU_CAPABILITY": "avx2",
        "NPY_DISABLE_CPU_FEATURES": " ".join(name for name in numpy_targets if "AVX512" in name or name == "X86_V4"),
        "OPENBLAS_CORETYPE": "Haswell",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ,-AVX512CD,-AVX512ER,-AVX512PF",
    }
