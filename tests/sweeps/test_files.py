"""Files that are replaced as a whole."""

import subprocess
import sys

from sweeps.files import replace_file

REPLACE = """
import sys
from pathlib import Path
from sweeps.files import replace_file
for _ in range(200):
    replace_file(Path(sys.argv[1]), sys.argv[2].encode() * 1000)
"""


def test_processes_may_replace_the_same_file_at_once(tmp_path):
    path = tmp_path / "winners.json"
    replace_file(path, b"first")
    commands = [[sys.executable, "-c", REPLACE, str(path), letter] for letter in "ab"]
    processes = [subprocess.Popen(command) for command in commands]
    assert [process.wait() for process in processes] == [0, 0]
    assert path.read_bytes() in (b"a" * 1000, b"b" * 1000)
    assert list(tmp_path.iterdir()) == [path]
