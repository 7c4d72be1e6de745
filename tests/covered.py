"""Says of every module of the packages which of its functions the tests ran, from the data that ``make coverage`` left.

Ends with status 1 where they ran none of a module's. Functions that are compiled do not count: no tracer sees them run.
"""

import json
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).parents[1]
PACKAGES = ("algos", "analysis", "conf", "sweeps")
ELSEWHERE = () if torch.cuda.is_available() else ("algos/kernels/cuda/",)
"""Where the modules are that run on other machines only."""


def functions(measured: dict) -> tuple[int, int]:
    """How many functions with lines that count there are, and how many of them ran."""
    inside = [each["summary"] for name, each in measured["functions"].items() if name]
    return sum(each["num_statements"] > 0 for each in inside), sum(each["covered_lines"] > 0 for each in inside)


def main(report: Path) -> int:
    measured = json.loads(report.read_text())["files"]
    modules = sorted(str(path.relative_to(ROOT)) for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    untouched = []
    print("lines  functions  module")
    for module in modules:
        found = measured.get(module, {"functions": {}, "summary": {"percent_covered": 0.0, "num_statements": 1}})
        count, ran = functions(found)
        if found["summary"]["num_statements"]:
            print(f"{found['summary']['percent_covered']:4.0f}%  {ran:4} of {count:<4} {module}")
        if not module.startswith(ELSEWHERE or "/") and ((count and not ran) or module not in measured):
            untouched.append(module)
    if untouched:
        print(f"No test runs a function of {', '.join(untouched)}")
    else:
        print(f"The tests run functions of each of the {len(modules)} modules that have any.")
    return bool(untouched)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
