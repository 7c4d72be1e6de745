"""A process that works on a study, started by a Hydra launcher: ``python -m sweeps.tune.worker``."""

import warnings
from pathlib import Path

import hydra
from omegaconf import DictConfig

from sweeps import CONF
from sweeps.imports import own_packages_first

# Our configs of launchers have the names of their plugins' schemas, on purpose.
warnings.filterwarnings("ignore", message=r"\s*'hydra/launcher/\w+' is validated against ConfigStore schema")


def work(config: DictConfig) -> None:
    """Work on a study until it is done."""
    own_packages_first()

    from hydra.core.global_hydra import GlobalHydra

    from sweeps.tune.plan_file import read_plan
    from sweeps.tune.study import run_study

    GlobalHydra.instance().clear()  # the study's own configs are composed next
    directory = Path(config.directory)
    run_study(read_plan(directory), directory)


def main() -> None:
    """The command line is Hydra's, with ``directory=DIR``."""
    hydra.main(version_base="1.3", config_path=str(CONF), config_name="tune_worker")(work)()


if __name__ == "__main__":
    main()
