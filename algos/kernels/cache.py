"""The cache of compiled code. An entry is out of date when any file that it may inline has changed.

Numba checks only a function's own file. Here the key of a function is a hash of its file and of all files of this
package that the file imports, directly or not. Numba adds the processor's name and features. Several processes may read
and write the cache at the same time.
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
    """Keeps the code of this package's functions in the first of ``folders`` that is writable."""

    def __init__(self, file: Path, line: int, folder: Path) -> None:
        self._py_file = str(file)
        self.file, self.line, self.folder = file, line, folder

    @classmethod
    def from_function(cls, py_func: Callable[..., object], py_file: str) -> Self | None:
        """The cache of a function; None for other packages' functions, or if no folder is writable."""
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
    """The compiled code of one function, which several processes may read and write at the same time.

    Numba numbers the files of a function's specialisations. Two processes could choose the same number, and a third
    would load the wrong specialisation. Here every file has its own name, a file is complete before the index names it,
    and a lock protects the index.
    """

    def save(self, key: Any, data: Any) -> None:
        """Write the code for ``key``. If that fails, the code is compiled again next time."""
        with suppress(OSError), Path(f"{self._index_path}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            names = self._load_index()
            name = self._data_name(uuid.uuid4().int >> 64)
            self._save_data(name, data)
            self._save_index(names | {key: name})
            self._remove_others({*names.values(), name} - {names.get(key)})

    def _remove_others(self, named: set[str]) -> None:
        """Remove this function's files that the index does not name. They belong to earlier sources."""
        for path in Path(self._cache_path).glob(self._data_name_pattern.replace("{number:d}", "*")):
            if path.name not in named:
                path.unlink(missing_ok=True)


def folders(file: Path) -> Iterator[Path]:
    """Yield the possible folders of a file's cache, best first.

    With ``NUMBA_CACHE_DIR`` there is only that one. Otherwise: beside the source, in the user's cache directory, and in
    a temporary folder of this process. Outside the sources, each installation has its own subfolder.
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
    """A folder that is deleted with the process. Code from a folder that others can write must not be loaded."""
    return tempfile.TemporaryDirectory(prefix="seedbed-")


@cache
def writable(folder: Path) -> bool:
    """Whether files can be created in a folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


@cache
def sources_hash(file: Path) -> str:
    """The hash of a file of this package and of the files that it imports, directly or not."""
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
    """The files of this package that a source imports."""
    paths = []
    for module, names in _IMPORT.findall(source):
        path = PACKAGE.joinpath(*module.split(".")[1:])
        candidates = [path.with_suffix(".py"), path / "__init__.py"]
        candidates += [path / f"{name}.py" for name in re.findall(r"\w+", names)]
        paths += [file for file in candidates if file.is_file()]
    return paths


def number_functions_apart() -> None:
    """Let this process number its functions from a random number, not from 1.

    The number distinguishes the symbols of functions that differ only in what they close over, such as a layer with
    ReLU and one with tanh. The linker takes equal symbols for one function. If two processes that compile in different
    orders both counted from 1, a third process would load the wrong function.
    """
    FunctionIdentity._unique_ids = itertools.count(uuid.uuid4().int >> 68)


def install() -> None:
    """Make Numba use this cache first."""
    locators: list[Any] = CacheImpl._locator_classes
    if SourceKeyedCache not in locators:
        locators.insert(0, SourceKeyedCache)
        caching.IndexDataCacheFile = SharedCacheFile  # type: ignore[misc]
        number_functions_apart()
        os.register_at_fork(after_in_child=number_functions_apart)
