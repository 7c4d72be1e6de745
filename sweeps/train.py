"""Train all seeds of a variant on a task: ``python -m sweeps.train algo=ppo env=swingup num_seeds=36``."""

import sys
import warnings
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from sweeps.compose import CONF, plain_config
from sweeps.interrupt import exit_interrupted, interrupt
from sweeps.training import train

# Our configs of launchers have the names of their plugins' schemas, on purpose.
warnings.filterwarnings("ignore", message=r"\s*'hydra/launcher/\w+' is validated against ConfigStore schema")


def job(composed: DictConfig) -> None:
    """Train one job of a command; a sweep goes on whatever becomes of one."""
    settings = HydraConfig.get()
    directory = Path(settings.runtime.output_dir)
    multirun = settings.mode == RunMode.MULTIRUN
    hydra_files = {
        "overrides": list(settings.overrides.task),
        "hydra": {"hydra": OmegaConf.to_container(OmegaConf.structured(settings), enum_to_str=True)},
    }
    status = train(plain_config(composed), directory, hydra_files)
    in_command = settings.runtime.choices["hydra/launcher"] == "basic"
    if interrupt.received and in_command:
        exit_interrupted(Path(settings.sweep.dir) if multirun else directory)
    if status and not multirun:
        sys.exit(status)


main = hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(job)
"""The command, with Hydra's command line."""

if __name__ == "__main__":
    from sweeps.train import main as command  # not __main__'s, which the processes of a launcher could not import

    command()
