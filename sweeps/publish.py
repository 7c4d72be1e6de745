"""Copy runs and studies into a folder for a git repository: ``seedbed publish RUN_OR_STUDY… --out DIR``."""

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from analysis.registry import PUBLISHED, sha256
from analysis.run_format import (
    CHECKPOINT,
    CONFIG,
    EVALUATION,
    IN_PROGRESS,
    INFO,
    PROGRESS,
    RECORD,
    TIMING,
    InputError,
    read_info,
    read_json,
)
from analysis.runs.dataset import spans
from analysis.runs.directories import run_directories
from sweeps.errors import exit_with
from sweeps.files import replace_file, write_json
from sweeps.markdown import markdown_table

OF_A_RUN = (INFO, CONFIG, ".hydra/overrides.yaml", PROGRESS, TIMING, EVALUATION)
OF_A_STUDY = (RECORD, "plan.yaml", "report.html", "answers.csv", "scores.csv", "prediction.json")
NEEDED = {RECORD, "report.html", INFO, CONFIG, PROGRESS}
LARGE = 50_000_000
"""Size in bytes from which git hosts warn about a file."""

README = """# Published runs

{table}

`seedbed compare DIR --out REPORT` reads this folder, alone or beside runs and folders of others. `published.json` has
the SHA-256 of every file. {checkpoints}
"""


@dataclass(frozen=True)
class Entry:
    """A study, a sweep or a run, and its name in the published folder."""

    source: Path
    name: str

    @property
    def is_study(self) -> bool:
        return (self.source / RECORD).exists()

    @cached_property
    def runs(self) -> list[Path]:
        return sorted(run_directories(self.source))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(prog="seedbed publish", description=__doc__)
    result.add_argument(
        "sources", nargs="+", type=Path, metavar="RUN_OR_STUDY", help="the directory of a run, a sweep or a study"
    )
    result.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="a new folder, or one that this command made"
    )
    result.add_argument("--checkpoints", action="store_true", help="also copy the trained networks")
    return result


def entries(sources: Sequence[Path]) -> list[Entry]:
    """Check what is to be published.

    Raises:
        InputError: A directory is missing, holds no run, or has not ended.
    """
    found: list[Entry] = []
    for source in sources:
        if not source.is_dir():
            raise InputError(f"{source}: no such directory; expected: the directory of a run, a sweep or a study")
        entry = Entry(source, source.resolve().name)
        if not entry.runs:
            raise InputError(f"{source}: holds no run; expected: the directory of a run, a sweep or a study")
        if entry.name in [other.name for other in found]:
            raise InputError(
                f"{source}: a second directory named {entry.name}; expected: directories with different names"
            )
        for run in entry.runs:
            if (status := read_info(run).get("status")) in IN_PROGRESS:
                raise InputError(f"{run}: its status is {status}; expected: runs that have ended")
        if entry.is_study:
            from analysis.study import record as records

            record = records.read(source)
            if not record.finished:
                raise InputError(f"{source}: a study with open questions; expected: one that has ended")
        found.append(entry)
    return found


def files_of(entry: Entry, checkpoints: bool) -> Iterator[tuple[Path, Path]]:
    """Yield each file and its path below the published folder.

    Raises:
        InputError: A necessary file is missing.
    """
    wanted = [(entry.source, name) for name in OF_A_STUDY] if entry.is_study else []
    wanted += [(run, name) for run in entry.runs for name in (*OF_A_RUN, *([CHECKPOINT] if checkpoints else []))]
    for base, name in wanted:
        path = base / name
        if path.is_file():
            yield path, Path(entry.name) / path.relative_to(entry.source)
        elif name in NEEDED:
            raise InputError(f"{path}: no such file; expected: a run or a study as seedbed wrote it")


def check_apart(found: Sequence[Entry], out: Path) -> None:
    """Check that the published folder overwrites none of the sources.

    Raises:
        InputError: It would overwrite one.
    """
    places = [(out / entry.name).resolve() for entry in found]
    for source in [entry.source.resolve() for entry in found]:
        for place in places:
            if place.is_relative_to(source) or source.is_relative_to(place):
                raise InputError(
                    f"--out {out}: would overwrite {source}, which is to be published; expected: another folder"
                )


def without_paths(content: Any) -> Any:
    """The content of ``run.json`` with only the names of files and repositories, not their paths."""
    if isinstance(content, list):
        return [without_paths(each) for each in content]
    if not isinstance(content, dict):
        return content
    names = {key for key, value in content.items() if key in ("file", "path") and isinstance(value, str)}
    return {key: Path(value).name if key in names else without_paths(value) for key, value in content.items()}


def publish(sources: Sequence[Path], out: Path, checkpoints: bool = False) -> Path:
    """Copy runs and studies into ``out`` and write a manifest and a page.

    Entries with other names that the folder already has stay.

    Returns:
        The path of the page.

    Raises:
        InputError: A source cannot be published, or ``out`` holds other files.
    """
    if out.exists() and any(out.iterdir()) and not (out / PUBLISHED).exists():
        raise InputError(f"--out {out}: holds other files; expected: a new directory, or one made by seedbed publish")
    found = entries(sources)
    copies = [pair for entry in found for pair in files_of(entry, checkpoints)]
    check_apart(found, out)
    known: dict[str, str] = read_json(out / PUBLISHED)["files"] if (out / PUBLISHED).exists() else {}
    for entry in found:
        shutil.rmtree(out / entry.name, ignore_errors=True)
        known = {name: digest for name, digest in known.items() if Path(name).parts[0] != entry.name}
    for source, place in copies:
        if source.name == INFO:
            write_json(out / place, without_paths(read_json(source)))
        else:
            replace_file(out / place, source.read_bytes())
        known[place.as_posix()] = sha256(out / place)
        if source.stat().st_size > LARGE:
            print(f"note: {place} is {source.stat().st_size / 1e6:.0f} MB; git hosts may refuse it", flush=True)
    replace_file(out / ".gitattributes", b"* -text\n")  # git must not change line ends: the manifest has hashes
    write_json(out / PUBLISHED, {"files": dict(sorted(known.items()))})
    replace_file(out / "README.md", page(out, known).encode())
    return out / "README.md"


def page(out: Path, files: dict[str, str]) -> str:
    """The page of a published folder: a table of its entries."""
    rows = []
    for name in sorted({Path(file).parts[0] for file in files}):
        entry = Entry(out / name, name)
        infos = [read_info(run) for run in entry.runs]
        seeds = sorted({int(seed) for info in infos for seed in info["seeds"]})
        commits = sorted({str(info.get("commit")) for info in infos})
        shown = f"[{name}]({name}/report.html)" if entry.is_study else name
        rows.append([
            shown, "study" if entry.is_study else "runs", ", ".join(sorted({info["env_id"] for info in infos})),
            ", ".join(sorted({info["algo"] for info in infos})), str(len(infos)), spans(seeds), ", ".join(commits),
        ])  # fmt: skip
    table = markdown_table(rows, ["name", "what", "tasks", "algorithms", "runs", "seeds", "commits"])
    has = any(name.endswith(CHECKPOINT) for name in files)
    return README.format(table=table.strip(), checkpoints="" if has else "Checkpoints are left out.").rstrip() + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Publish; exit with status 2 and one line if something cannot be published."""
    parsed = parser().parse_args(sys.argv[1:] if arguments is None else list(arguments))
    try:
        print(publish(parsed.sources, parsed.out, parsed.checkpoints))
    except (InputError, OSError) as error:
        exit_with(error)


if __name__ == "__main__":
    main()
