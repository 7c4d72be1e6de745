"""The report of a comparison: one self-contained HTML page, its figures as files, and its tables in other formats."""

from analysis.report.files import report_files, write_files
from analysis.report.sections import fragment

__all__ = ["fragment", "report_files", "write_files"]
