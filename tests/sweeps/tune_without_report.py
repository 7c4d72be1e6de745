"""``seedbed tune`` without its report, most of whose time is drawing: for tests of what else a study leaves."""

from sweeps.tune import command, report


def main() -> None:
    """Run the command."""
    report.write_report = lambda directory: None
    command.main()
