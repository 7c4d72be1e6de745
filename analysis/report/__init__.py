"""The report: one self-contained HTML page, and its tables in other formats."""

from analysis.report.sections import VERDICTS_SHOWN, report

__all__ = ["VERDICTS_SHOWN", "report"]
