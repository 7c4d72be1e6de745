"""Runs in the formats of other programs. What is written can be read again (readers), with the same scores and verdict.

A format is a module with one class (Writer), listed in WRITERS.
"""

from analysis.writers.marl_eval import MarlEvalWriter
from analysis.writers.protocol import Writer
from analysis.writers.rliable import RliableWriter, score_arrays
from analysis.writers.table import CsvWriter, ParquetWriter, plain_table

WRITERS: dict[str, Writer] = {
    writer.name: writer for writer in (CsvWriter(), ParquetWriter(), MarlEvalWriter(), RliableWriter())
}

__all__ = ["WRITERS", "Writer", "plain_table", "score_arrays"]
