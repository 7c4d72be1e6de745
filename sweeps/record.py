"""Record a trained policy as a GIF or a video: ``seedbed record RUN_DIR --seed K``."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from sweeps import trust
from sweeps.errors import InputError, exit_with
from sweeps.imports import own_packages_first


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(prog="seedbed record", description=__doc__)
    result.add_argument("directory", type=Path, metavar="RUN_DIR", help="a run's directory")
    result.add_argument("--seed", type=int, metavar="K", help="one of the run's seeds (default: the first)")
    result.add_argument("--steps", type=int, metavar="N", help="environment steps to play (default: one episode)")
    result.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="a .gif, or an .mp4 if ffmpeg is installed (default: RUN_DIR/seed-K.gif)",
    )
    trust.add_option(result)
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Record one seed of a run."""
    parsed = parser().parse_args(arguments)
    own_packages_first()
    from algos.envs.errors import TaskError
    from analysis.run_format import read_config
    from sweeps.recording import record

    try:
        if parsed.steps is not None and parsed.steps < 1:
            raise InputError(f"--steps {parsed.steps}: expected: 1 or more")
        seed = read_config(parsed.directory)["seed"] if parsed.seed is None else parsed.seed
        trust.check_run(parsed.directory, parsed.trust)
        path = parsed.out or parsed.directory / f"seed-{seed}.gif"
        count = record(parsed.directory, seed, parsed.steps, path)
    except (InputError, TaskError, OSError) as error:
        exit_with(error)
    print(f"{path}: {count} images, {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
