"""``sweeps.resume`` on a machine whose clock runs backwards."""

import time

import sweeps.resume


def main() -> None:
    """The command, an hour earlier at every look at the clock."""
    present = time.time()

    def earlier() -> float:
        nonlocal present
        present -= 3600.0
        return present

    time.time = earlier
    sweeps.resume.main()
