"""Start several processes that work on one study, with a Hydra launcher: joblib, SLURM or Ray.

A process takes a group of runs by locking files in the study's directory, so all processes must see the same files.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from sweeps import ROOT
from sweeps.errors import InputError
from sweeps.overrides import override


def launch(directory: Path, launcher: str, workers: int, overrides: Sequence[str]) -> None:
    """Start ``workers`` processes on a study and wait for them; ``overrides`` are settings of the launcher.

    Raises:
        InputError: The launcher failed.
    """
    study = directory.resolve()
    numbers = ",".join(map(str, range(workers)))
    command = [sys.executable, "-P", "-m", "sweeps.tune.worker", "-m", override("directory", str(study))]
    command += [f"worker={numbers}", f"hydra/launcher={launcher}", override("hydra.sweep.dir", str(study / ".workers"))]
    command += overrides
    status = subprocess.run(command, env=_environment(), check=False).returncode
    if status:
        raise InputError(f"launcher={launcher}: its workers ended with status {status}; expected: 0")


def _environment() -> dict[str, str]:
    import os

    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return os.environ | {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
