"""Check that a variant does what every variant must do: ``seedbed check-variant algo=spo --config-dir conf``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sweeps.errors import InputError, exit_with, one_line
from sweeps.imports import own_packages_first


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(prog="seedbed check-variant", description=__doc__)
    result.add_argument(
        "overrides", nargs="+", metavar="KEY=VALUE", help="as seedbed train takes them, such as algo=spo"
    )
    result.add_argument("--config-dir", type=Path, metavar="DIR", help="a directory with algo/NAME.yaml in it")
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the checks. The exit status is 0 if all hold, 1 if one is broken, 2 if a value is wrong."""
    options = parser().parse_args(arguments)
    own_packages_first()
    from algos.conformance import CHECKS, Broken
    from sweeps.compose import composed_config
    from sweeps.run_config import validate

    try:
        content = composed_config(options.overrides, options.config_dir)
        validate(content)
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
