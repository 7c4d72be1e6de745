"""Hold a variant against what seedbed promises of every one: ``python -m sweeps.check_variant algo=spo``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException

from algos.conformance import CHECKS, Broken
from sweeps.compose import CONF, plain_config
from sweeps.errors import InputError, exit_with, one_line
from sweeps.run_config import validate


def composed(overrides: Sequence[str], config_dir: Path | None = None) -> dict[str, Any]:
    """The config of ``sweeps.train OVERRIDES``, plain data; ``config_dir`` has groups beside those of seedbed.

    Raises:
        InputError: it does not compose, or a value is wrong.
    """
    overrides = list(overrides)
    if config_dir is not None:
        if not config_dir.is_dir():
            raise InputError(f"--config-dir={config_dir}: no such directory; allowed: one with algo/NAME.yaml")
        overrides.append(f"hydra.searchpath=[file://{config_dir.resolve()}]")
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            content = plain_config(compose("config", overrides))
    except HydraException as error:
        raise InputError(f"{' '.join(overrides)}: {one_line(error)}") from None
    validate(content)
    return content


def main(arguments: list[str] | None = None) -> None:
    """Ends the process with status 0 where every promise is kept, 1 where one is broken, 2 where a value is wrong."""
    parser = argparse.ArgumentParser(prog="python -m sweeps.check_variant", description=__doc__)
    parser.add_argument(
        "overrides", nargs="+", metavar="KEY=VALUE", help="as sweeps.train takes them, such as algo=spo"
    )
    parser.add_argument("--config-dir", type=Path, metavar="DIR", help="a directory with algo/NAME.yaml in it")
    options = parser.parse_args(arguments)
    try:
        content = composed(options.overrides, options.config_dir)
    except InputError as error:
        exit_with(error)
    print(f"{content['algo']['name']} ({content['algo']['_target_']})", flush=True)
    broken = 0
    for promise, check in CHECKS.items():
        try:
            check(content)
            print(f"  holds   {promise}", flush=True)
        except Exception as error:  # whatever a variant raises breaks the promise
            broken += 1
            words = str(error) if isinstance(error, Broken) else f"{type(error).__name__}: {one_line(error)}"
            print(f"  broken  {promise}\n            {words}", flush=True)
    print(f"{len(CHECKS) - broken} of {len(CHECKS)} promises hold", flush=True)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
