"""The directory of a run: check that a run may start or continue there, and write its files."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from algos.core.checkpoint import CheckpointError, State, pack, unpack
from analysis.run_format import CHECKPOINT, INFO, PROGRESS, RUNNING, TIMING, read_config, read_info, run_differences
from sweeps.errors import InputError
from sweeps.files import replace_file, write_json
from sweeps.lock import locked
from sweeps.provenance import parts, software
from sweeps.table import TableWriter


def check_directory(directory: Path, content: Mapping[str, Any], resume: bool) -> None:
    """Check that a run with config ``content`` may start in ``directory`` or, with ``resume``, continue there.

    Raises:
        InputError: The directory holds a run, with ``resume`` one of another config, a damaged one or one that is being
            trained; or it cannot be written to.
    """
    held = [name for name in (INFO, PROGRESS) if (directory / name).exists()]
    if held and not resume:
        raise InputError(
            f"hydra.run.dir={directory}: holds a run already ({', '.join(held)}); "
            "expected: a directory without one, or resume=true to continue it"
        )
    check_writable(directory)
    if held:
        with locked(directory):
            RunFiles(directory, content)


def check_writable(directory: Path) -> None:
    """Check that files can be created in ``directory``, which need not exist yet.

    Raises:
        InputError: They cannot.
    """
    try:
        existing = next(path for path in (directory, *directory.absolute().parents) if os.path.lexists(path))
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise InputError(f"hydra.run.dir={directory}: cannot be written to ({error.strerror})") from None


class RunFiles:
    """The files of a run, for the process that holds its lock.

    ``info`` is the content of ``run.json``, empty for a new run. ``state`` is the trainer's state in the checkpoint,
    None if there is no checkpoint yet.
    """

    def __init__(self, directory: Path, content: Mapping[str, Any]) -> None:
        """Read the files that are there; write nothing.

        Raises:
            InputError: The directory holds a run of another config, or damaged files.
        """
        self.directory = directory
        self.info: dict[str, Any] = {}
        self.state: State | None = None
        self.progress = TableWriter(directory / PROGRESS)
        self.timing = TableWriter(directory / TIMING)
        if not (directory / INFO).exists():
            if (directory / PROGRESS).exists():
                raise InputError(
                    f"{directory}: has {PROGRESS} without {INFO}; expected: a run's directory, or a new one"
                )
            return
        self.info = read_info(directory)
        if differences := run_differences(read_config(directory), content):
            raise InputError(
                f"{directory}: holds a run of another config ({'; '.join(differences)}); expected: the same config"
            )
        self._read_checkpoint()
        if self.finished and self.info["progress"] != self.progress.whole_mark():
            raise InputError(
                f"{directory / PROGRESS}: differs from what {INFO} recorded; expected: the file as the run wrote it"
            )
        if self.grows(content):
            self._check_growth(content["evaluation"]["interval"])

    @property
    def finished(self) -> bool:
        """Whether every seed has trained to its end, or has failed."""
        return "progress" in self.info

    def grows(self, content: Mapping[str, Any]) -> bool:
        """Whether config ``content`` asks for more iterations than the run was started with."""
        return bool(self.info) and content["iterations"] > self.info["iterations"]

    def _check_growth(self, evaluation_interval: int | None) -> None:
        iterations = self.info["iterations"]
        reached = self.state is not None and int(self.state["next_iteration"]) >= iterations
        if reached and evaluation_interval is not None and iterations % evaluation_interval:
            raise InputError(
                f"evaluation.interval={evaluation_interval}: the run in {self.directory} cannot be made longer: its "
                f"evaluation after iteration {iterations} is not one of a longer run; expected: iterations={iterations}"
            )

    def start(self, content: Mapping[str, Any], description: dict[str, Any], hydra: Mapping[str, Any]) -> None:
        """Write the first files of a new run: its config and ``run.json``."""
        plain = {key: value for key, value in content.items() if key != "resume"}
        for name, part in {"config": plain, **hydra}.items():
            self._write_yaml(name, part)
        self.update(**description)

    def _write_yaml(self, name: str, content: Any) -> None:
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        replace_file(self.directory / ".hydra" / f"{name}.yaml", text.encode())

    def grow(self, iterations: int) -> None:
        """Raise the number of iterations of a run, whether it has ended or not."""
        config = read_config(self.directory) | {"iterations": iterations}  # first: a run that ends here grows again
        self._write_yaml("config", config)
        self.info.pop("progress", None)
        self.update(status=RUNNING, iterations=iterations)

    def go_on(self, iteration: int, resumes_episodes: bool) -> None:
        """Record in ``run.json`` that the run is resumed, by which software, and whether its episodes continue."""
        episodes = "continued" if resumes_episodes else "fresh"
        now = {"iteration": iteration, "episodes": episodes, "parts": parts(read_config(self.directory)), **software()}
        resumed = [*self.info.get("resumed", []), now]
        self.info.pop("error", None)
        self.update(status=RUNNING, resumed=resumed)

    def update(self, **facts: Any) -> None:
        """Change entries of ``run.json``."""
        self.info |= facts
        write_json(self.directory / INFO, self.info)

    def write_checkpoint(self, state: State) -> None:
        """Write a checkpoint: ``state`` and the sizes of the tables, whose rows are synced to the disk first."""
        self.progress.sync()
        self.timing.sync()
        facts = {
            "config_hash": self.info["config_hash"],
            "failed_seeds": self.info["failed_seeds"],
            PROGRESS: self.progress.mark(),
            TIMING: self.timing.mark(),
        }
        replace_file(self.directory / CHECKPOINT, pack(state, facts))

    def _read_checkpoint(self) -> None:
        path = self.directory / CHECKPOINT
        try:
            self.state, facts = unpack(path.read_bytes())
            if facts["config_hash"] != self.info["config_hash"]:
                raise CheckpointError("of another run")
            self.info["failed_seeds"] = facts["failed_seeds"]
            self.progress = TableWriter.continued(self.directory / PROGRESS, facts[PROGRESS])
            self.timing = TableWriter.continued(self.directory / TIMING, facts[TIMING])
        except FileNotFoundError:
            self.info["failed_seeds"] = []
        except (CheckpointError, KeyError, TypeError, OSError) as error:
            raise InputError(
                f"{path}: {error}; expected: a whole one, or none to train the run from its start"
            ) from None
