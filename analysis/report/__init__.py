"""The report: one self-contained HTML page, its tables in other formats, and its figures as files."""

from analysis.report.files import report_files, write_files
from analysis.report.sections import fragment

__all__ = ["fragment", "report_files", "write_files"]
