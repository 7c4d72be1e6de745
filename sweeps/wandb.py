"""Send what a run reports to Weights & Biases, or write it to files for a later upload."""

import secrets
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from algos.core.loop import Iteration
from analysis.run_format import read_config
from sweeps.logger import LoggerSettings, series_points

STEP = "env_steps"


class WandbLogger:
    """One series per seed, ``<figure>/seed<K>``, and their median, ``<figure>/median``, over env steps.

    W&B's own files go to ``DIRECTORY/wandb``. A resumed run continues the same run of W&B. W&B cannot remove points, so
    iterations that are trained again appear twice, at the same env steps.
    """

    class Settings(LoggerSettings):
        project: str
        entity: str | None
        name: str | None
        mode: Literal["online", "offline"]

        def check_installed(self) -> None:
            if find_spec("wandb") is None:
                raise ImportError("wandb is not installed; expected: pip install 'seedbed[wandb]'")

    def __init__(self, settings: Settings, directory: Path, seeds: range, first_step: int) -> None:
        import wandb  # an extra

        self.seeds = seeds
        self.run = wandb.init(
            project=settings.project,
            entity=settings.entity,
            name=settings.name or directory.name,
            mode=settings.mode,
            dir=str(directory),
            reinit="create_new",  # jobs that train side by side have a run each
            id=self._id(directory / "wandb" / "id"),
            resume="allow" if settings.mode == "online" else None,
            config=read_config(directory),
            settings=wandb.Settings(console="off", silent=True, disable_git=True, save_code=False),
        )
        self.run.define_metric(STEP)
        self.run.define_metric("*", step_metric=STEP)

    @staticmethod
    def _id(path: Path) -> str:
        """The id of W&B's run; each directory has one."""
        if not path.is_file():
            path.parent.mkdir(exist_ok=True)
            path.write_text(secrets.token_hex(4))
        return path.read_text()

    def log(self, iteration: Iteration) -> None:
        """Send the figures of one iteration."""
        step = int(iteration.stats[STEP][0])
        self.run.log({STEP: step, **dict(series_points(iteration, self.seeds))})

    def close(self) -> None:
        self.run.finish()
