"""The tables of `make speed` as Markdown."""

import importlib.metadata
import platform
from pathlib import Path

import numpy as np
import pandas as pd

from algos.kernels.intrinsics import WIDE
from algos.machine import usable_cores
from sweeps.markdown import markdown_table
from tests.processors import has_avx512
from tests.speed.comparisons import Group
from tests.speed.processes import JAX_ENVIRONMENT

PACKAGES = ("torch", "numba", "numpy", "gymnasium", "stable-baselines3", "sb3-contrib")


def markdown(table: pd.DataFrame) -> str:
    return markdown_table(table.astype(str).to_numpy().tolist(), list(table.columns))


def comparison_table(groups: list[Group]) -> pd.DataFrame:
    """One row per pair: medians over the rounds, and the median of the rounds' ratios with their range."""
    rows = []
    for group in groups:
        for name, peer in group.peers.items():
            ratios = np.array(peer.seconds) / np.array(group.ours.seconds)
            target = group.targets[name]
            rows.append(
                {
                    "setting": group.title,
                    "unit": group.unit,
                    "seedbed": f"{np.median(group.ours.seconds):.3g}",
                    "peer": name,
                    "peer's": f"{np.median(peer.seconds):.3g}",
                    "times faster": f"**{np.median(ratios):.1f}** ({min(ratios):.1f}–{max(ratios):.1f})",
                    "aim": "" if np.isnan(target) else f"{target:g}",
                }
            )
    return pd.DataFrame(rows)


def detail_table(groups: list[Group]) -> pd.DataFrame:
    """What each side spent its time on in the last round."""
    sides = [
        (group.title, name, side) for group in groups for name, side in {"seedbed": group.ours, **group.peers}.items()
    ]
    return pd.DataFrame([{"setting": title, "side": name, "detail": side.details[-1]} for title, name, side in sides])


def machine() -> str:
    """Processor, cores, memory and versions; nothing that identifies the host."""
    processor = platform.machine()
    memory = ""
    if Path("/proc/cpuinfo").exists():
        cpuinfo = dict(
            [part.strip() for part in line.split(":", 1)]
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if ":" in line
        )
        processor = f"{cpuinfo['model name']} ({processor}, family {cpuinfo['cpu family']} model {cpuinfo['model']})"
        kib = int(Path("/proc/meminfo").read_text().split()[1])
        memory = f", {kib / 2**20:.1f} GiB memory"
    versions = [f"Python {platform.python_version()}"]
    installed = {
        distribution.metadata["Name"]: distribution.version for distribution in importlib.metadata.distributions()
    }
    versions += [f"{name} {installed[name]}" for name in PACKAGES if name in installed]
    versions += _jax_versions()
    code = "" if has_avx512() == WIDE else " Code for AVX2."
    return f"{processor}, {usable_cores()} cores{memory}.{code} {', '.join(versions)}."


def _jax_versions() -> list[str]:
    found = importlib.metadata.distributions(path=[str(p) for p in JAX_ENVIRONMENT.glob("lib/*/site-packages")])
    versions = {d.metadata["Name"]: d.version for d in found}
    return [f"{name} {versions[name]}" for name in ("jax", "rejax", "gymnax") if name in versions]
