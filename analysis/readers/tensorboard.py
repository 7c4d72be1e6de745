"""Reads TensorBoard's event files, as CleanRL, Tianshou and PyTorch's SummaryWriter write them. Every event is read."""

import mmap
import re
import struct
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from analysis.readers.logs import Log, Request, Series, series
from analysis.readers.names import candidates, choose
from analysis.readers.settings import facts_of, settings_of
from analysis.run_format import InputError

EVENTS = ".tfevents."
HYPERPARAMETERS = "hyperparameters/text_summary"
"""The tag under which CleanRL writes its settings, as a table in Markdown."""

POLYNOMIAL = 0x82F63B78  # of CRC-32C, reversed


def crc_table() -> np.ndarray:
    """The CRC-32C [256] of each byte."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(POLYNOMIAL), table >> 1).astype(np.uint32)
    return table


CRC = crc_table()


def masked_crc(records: np.ndarray) -> np.ndarray:
    """Checksums [n] of `records` [n, bytes], as event files have them."""
    value = np.full(len(records), 0xFFFFFFFF, dtype=np.uint32)
    for column in records.T:
        value = CRC[(value ^ column) & 0xFF] ^ (value >> np.uint32(8))
    value ^= np.uint32(0xFFFFFFFF)
    return ((value >> np.uint32(15)) | (value << np.uint32(17))) + np.uint32(0xA282EAD8)


def record_places(data: Any) -> tuple[np.ndarray, np.ndarray, int | None]:
    """([n], [n], byte): start and length of the intact records, and where the first damaged one is (None if none is).

    A record is its length (8 bytes), the checksum of the length (4), its bytes, and their checksum (4).
    """
    starts, lengths = array("q"), array("q")
    place, size, unpack = 0, len(data), struct.Struct("<Q").unpack_from
    while place + 16 <= size:
        (length,) = unpack(data, place)
        if place + 16 + length > size:
            break
        starts.append(place + 12)
        lengths.append(length)
        place += 16 + length
    broken = None if place == size else place
    start, length = np.frombuffer(starts, dtype=np.int64), np.frombuffer(lengths, dtype=np.int64)
    content = np.frombuffer(data, dtype=np.uint8)
    good = np.ones(len(start), dtype=bool)
    if len(start):
        good &= checksums_hold(content, start - 12, np.full(len(start), 8))
        good &= checksums_hold(content, start, length)
    if not good.all():
        first = int(good.argmin())
        start, length, broken = start[:first], length[:first], int(start[first] - 12)
    return start, length, broken


def checksums_hold(content: np.ndarray, start: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Whether [n] each part of `content` [bytes] has the checksum that follows it."""
    holds = np.empty(len(start), dtype=bool)
    for size in np.unique(length):
        which = np.flatnonzero(length == size)
        parts = content[start[which][:, None] + np.arange(size + 4)[None]]
        holds[which] = masked_crc(parts[:, :size]) == parts[:, size:].copy().view("<u4")[:, 0]
    return holds


@dataclass
class Events:
    """The scalars of one run: steps and values by tag, of the tags that are `kept` (None: all)."""

    kept: set[str] | None
    steps: dict[str, array] = field(default_factory=lambda: defaultdict(lambda: array("q")))
    values: dict[str, array] = field(default_factory=lambda: defaultdict(lambda: array("d")))
    tags: dict[str, None] = field(default_factory=dict)
    last: int = 0
    settings: dict[str, str] = field(default_factory=dict)
    void: int = 0

    def read(self, path: Path) -> list[str]:
        """Adds the events of one file, and returns notes on what is damaged."""
        with path.open("rb") as file:
            if not path.stat().st_size:
                return [f"{path} is empty."]
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                starts, lengths, broken = record_places(data)
                if not len(starts):
                    raise InputError(f"{path}: holds no whole record; expected: an event file of TensorBoard")
                started = False
                for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
                    started = self.add(data[start : start + length], started)
        if broken is None:
            return []
        return [f"{path} is cut off or damaged at byte {broken}; the {len(starts):,} events before it were read."]

    def add(self, record: bytes, started: bool) -> bool:
        """Adds one event, and returns whether the file has had scalars by now. `started`: whether it had before."""
        event = event_class().FromString(record)
        if event.HasField("session_log") and event.session_log.status == 1:  # START
            self.discard_from(event.step)
            return True
        for value in event.summary.value:
            number = scalar(value)
            if number is None:
                if value.tag == HYPERPARAMETERS:
                    self.settings |= markdown_table(value)
                continue
            if not started:
                if event.step <= self.last and self.steps:
                    self.discard_from(event.step)
                started = True
            self.tags[value.tag] = None
            self.last = max(self.last, event.step)
            if self.kept is None or value.tag in self.kept:
                self.steps[value.tag].append(event.step)
                self.values[value.tag].append(number)
        return started

    def discard_from(self, step: int) -> None:
        """Drops what was written at or after `step`: a run that was restarted there writes it again."""
        for tag, steps in self.steps.items():
            kept = np.frombuffer(steps, dtype=np.int64) < step
            self.void += int((~kept).sum())
            values = np.frombuffer(self.values[tag], dtype=float)[kept].tolist()
            self.steps[tag] = array("q", np.frombuffer(steps, dtype=np.int64)[kept].tolist())
            self.values[tag] = array("d", values)
        self.last = min(self.last, step)


_EVENT: Any = None


def event_class() -> Any:
    """The class of an event's message.

    Raises:
        InputError: Tensorboard is not installed.
    """
    global _EVENT
    if _EVENT is None:
        try:
            from tensorboard.compat.proto.event_pb2 import Event
        except ImportError:
            raise InputError(
                "tensorboard is not installed; expected for event files: pip install 'seedbed[tensorboard]'"
            ) from None
        _EVENT = Event
    return _EVENT


def scalar(value: Any) -> float | None:
    """The number of a summary value, of either form. None if it holds something else."""
    which = value.WhichOneof("value")
    if which == "simple_value":
        return float(value.simple_value)
    if which != "tensor" or value.tensor.tensor_shape.dim:
        return None
    tensor = value.tensor
    for numbers in (tensor.float_val, tensor.double_val):
        if numbers:
            return float(numbers[0])
    kinds = {1: "<f4", 2: "<f8"}
    if tensor.dtype in kinds and tensor.tensor_content:
        return float(np.frombuffer(tensor.tensor_content, dtype=kinds[tensor.dtype])[0])
    return None


def markdown_table(value: Any) -> dict[str, str]:
    """The rows `|name|value|` of a text."""
    text = b"".join(value.tensor.string_val).decode("utf-8", errors="replace")
    cells = [line.strip().strip("|").split("|", 1) for line in text.splitlines() if line.strip().startswith("|")]
    rows = {row[0].strip(): row[1].strip() for row in cells if len(row) == 2}
    return {key: content for key, content in rows.items() if key != "param" and set(key) != {"-"}}


def by_number(name: str) -> list[tuple[bool, int, str]]:
    """Sort key of event files. Their names hold a time, a process and a number; each counts as a number."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name)]


class TensorBoardReader:
    """Reads event files. One directory is one run."""

    name = "tensorboard"
    looks_for = "event files of TensorBoard"
    whole_directory = True

    def claims(self, directory: Path, names: Sequence[str], request: Request) -> list[list[str]]:
        own = [name for name in names if EVENTS in name]
        return [own] if own else []

    def read(self, directory: Path, names: Sequence[str], request: Request) -> Iterable[Log]:
        events = Events(None if request.wanted is None else candidates(request.wanted, request))
        notes: list[str] = []
        event_class()
        for name in sorted(names, key=by_number):
            try:
                notes += events.read(directory / name)
            except OSError as error:
                raise InputError(f"{directory / name}: {error.strerror}; expected: an event file") from None
        if events.void:
            notes.append(f"{directory} was restarted: {events.void:,} events that it wrote again were left out.")
        wanted = list(events.tags) if request.wanted is None else request.wanted
        found: dict[str, Series] = {}
        for each in wanted:
            if (tag := choose(events.tags, each, request)) is not None:
                found[each], told = series(directory, tag, events.steps[tag], events.values[tag], events.last)
                notes += told
        facts = facts_of(events.settings)
        yield Log(directory, self.name, facts, found, list(events.tags), settings_of(events.settings), notes)
