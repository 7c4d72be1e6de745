"""Where compiled code is kept, and when it is out of date: when any file that it may inline has changed.

Numba looks at a function's own file only. Here the key of a function of this package is a hash of its file and of all
files of the package that this one imports, directly or not. Numba adds the processor's name and features.
Processes may compile the same functions at once: what one of them keeps, another may read at any time.
"""

import fcntl
import hashlib
import itertools
import os
import re
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Self

from numba.core import caching, config
from numba.core.bytecode import FunctionIdentity
from numba.core.caching import CacheImpl, IndexDataCacheFile, _CacheLocator
from numba.misc.appdirs import AppDirs

PACKAGE = Path(__file__).resolve().parents[1]
_IMPORT = re.compile(rf"^\s*(?:from|import) ({PACKAGE.name}[\w.]*)(?: import (\([^)]*\)|.*))?", re.MULTILINE)
_configuration: Any = config


class SourceKeyedCache(_CacheLocator):
    """Keeps the code of this package's functions in the first of ``folders`` that can be written."""

    def __init__(self, file: Path, line: int, folder: Path) -> None:
        self._py_file = str(file)
        self.file, self.line, self.folder = file, line, folder

    @classmethod
    def from_function(cls, py_func: Callable[..., object], py_file: str) -> Self | None:
        """None for a function of another package, or where nothing can be written."""
        file = Path(py_file).resolve()
        if not (file.is_relative_to(PACKAGE) and file.is_file()):
            return None
        folder = next((folder for folder in folders(file) if writable(folder)), None)
        return None if folder is None else cls(file, py_func.__code__.co_firstlineno, folder)

    def get_cache_path(self) -> str:
        return str(self.folder)

    def get_source_stamp(self) -> str:
        return sources_hash(self.file)

    def get_disambiguator(self) -> str:
        return str(self.line)


class SharedCacheFile(IndexDataCacheFile):
    """Compiled code of one function, kept and read by several processes at once.

    Numba numbers the files of a function's specialisations: two processes can take one number, and a third then loads
    the code of another specialisation. Here no two files have one name, a file is complete before the index names it,
    and the index is changed under a lock.
    """

    def save(self, key: Any, data: Any) -> None:
        """Keep what was compiled for ``key``; where it cannot be written, it is compiled anew next time."""
        with suppress(OSError), Path(f"{self._index_path}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            names = self._load_index()
            name = self._data_name(uuid.uuid4().int >> 64)
            self._save_data(name, data)
            self._save_index(names | {key: name})
            self._remove_others({*names.values(), name} - {names.get(key)})

    def _remove_others(self, named: set[str]) -> None:
        """Remove this function's files that the index does not name: they are of earlier sources."""
        for path in Path(self._cache_path).glob(self._data_name_pattern.replace("{number:d}", "*")):
            if path.name not in named:
                path.unlink(missing_ok=True)


def folders(file: Path) -> Iterator[Path]:
    """``NUMBA_CACHE_DIR`` if set; else beside the source, in the user's cache directory, for this process alone.

    A folder outside the sources has one subfolder for each place that they are installed in.
    """
    own = f"{file.parent.name}-{hashlib.sha256(str(file.parent).encode()).hexdigest()[:16]}"
    if _configuration.CACHE_DIR:
        yield Path(_configuration.CACHE_DIR) / own
        return
    yield file.parent / "__pycache__"
    yield Path(AppDirs(appname="seedbed", appauthor=False).user_cache_dir) / own
    yield Path(_temporary().name) / own


@cache
def _temporary() -> tempfile.TemporaryDirectory:
    """A folder that ends with the process: what others can write is not to be loaded as code."""
    return tempfile.TemporaryDirectory(prefix="seedbed-")


@cache
def writable(folder: Path) -> bool:
    """Whether files can be made there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


@cache
def sources_hash(file: Path) -> str:
    """Hash of a file of this package and of those that it imports, directly or not."""
    found: dict[Path, bytes] = {}
    waiting = [file]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path] = path.read_bytes()
            waiting += imported(found[path].decode())
    digest = hashlib.sha256()
    for path in sorted(found):
        digest.update(f"{path.relative_to(PACKAGE)} {len(found[path])}\n".encode() + found[path])
    return digest.hexdigest()


def imported(source: str) -> list[Path]:
    """The files of this package that a source names in its imports."""
    paths = []
    for module, names in _IMPORT.findall(source):
        path = PACKAGE.joinpath(*module.split(".")[1:])
        candidates = [path.with_suffix(".py"), path / "__init__.py"]
        candidates += [path / f"{name}.py" for name in re.findall(r"\w+", names)]
        paths += [file for file in candidates if file.is_file()]
    return paths


def number_functions_apart() -> None:
    """Let this process number its functions from a random number on, not from 1.

    The number tells apart the symbols of functions that are closed over other things and are equal otherwise, such as
    a layer with ReLU and one with tanh. The linker takes equal symbols for one function: what two processes compiled
    in different orders, each numbering from 1, a third would load as one of the two.
    """
    FunctionIdentity._unique_ids = itertools.count(uuid.uuid4().int >> 68)


def install() -> None:
    """Have Numba ask here first."""
    locators: list[Any] = CacheImpl._locator_classes
    if SourceKeyedCache not in locators:
        locators.insert(0, SourceKeyedCache)
        caching.IndexDataCacheFile = SharedCacheFile  # type: ignore[misc]
        number_functions_apart()
        os.register_at_fork(after_in_child=number_functions_apart)
