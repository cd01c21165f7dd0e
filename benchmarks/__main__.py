"""``python -m benchmarks [--size small|large] [--write]``: see docs/performance.md.

Every case runs in a process of its own, which reports its time and its peak memory. The cases of
a group take turns, so that a change of the machine's speed meets all of them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from benchmarks.cases import GROUPS
from benchmarks.making import CORES, SIZES

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
MARK = "<!-- measured -->"


def run_case(group: str, case: str, size: str, folder: Path) -> dict[str, float]:
    """Run one case once, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.cases", group, case, size, str(folder)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        sys.exit(f"{group}: {case} failed:\n{finished.stderr[-2000:]}")
    return json.loads(finished.stdout.splitlines()[-1])


def measure(size: str, repeats: int, folder: Path) -> list[str]:
    """Run everything; give the lines of the tables."""
    quiet = load()
    lines = []
    for group, cases in GROUPS.items():
        print(f"{group} ...", file=sys.stderr)
        run_case(group, "prepare", size, folder)
        found: dict[str, list[dict[str, float]]] = {name: [] for name in cases}
        # The other groups repeat what they measure themselves.
        for _ in range(repeats if group in ("rechunk", "open") else 1):
            for name in cases:
                found[name].append(run_case(group, name, size, folder))
        lines += table(group, found)
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("zarr", "dask", "xarray"))
    head = (
        f"{CORES} cores ({processor()}, {platform.machine()}), Python "
        f"{platform.python_version()}, {versions}; {SIZES[size].describe()}; median of {repeats} "
        f"runs (smallest to largest). Load average before the first and after the last run: "
        f"{quiet} and {load()}; well above 0 before means that others were using the machine."
    )
    return [head, "", *lines]


def load() -> str:
    """The machine's load average of the last minute."""
    return f"{os.getloadavg()[0]:.1f}"


def processor() -> str:
    """Name of the processor, where the system tells it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def table(group: str, found: dict[str, list[dict[str, float]]]) -> list[str]:
    """One group as Markdown, ratios to the first case."""
    ours = statistics.median(run["seconds"] for run in next(iter(found.values())))
    lines = [
        f"### {group}",
        "",
        "| | seconds | ratio | processor | peak memory | files |",
        "|---|---|---|---|---|---|",
    ]
    for name, runs in found.items():
        seconds = sorted(run["seconds"] for run in runs)
        median = statistics.median(seconds)
        memory = statistics.median(run["peak_mb"] for run in runs)
        files = runs[0].get("files")
        spread = f"({seconds[0]:.3g} to {seconds[-1]:.3g})"
        processor = statistics.median(run["processor"] for run in runs)
        cells = [name, f"{median:.4g} {spread}", f"{median / ours:.2f}", f"{processor:.4g} s"]
        cells.append(f"{memory:.0f} MB")
        lines.append(f"| {' | '.join(cells)} | {files or ''} |")
    return [*lines, ""]


def main() -> None:
    """Measure and print; with --write put the tables into docs/performance.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to make the stores for a while")
    parser.add_argument("--write", action="store_true", help="keep the result in the docs")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as temporary:
        lines = measure(arguments.size, arguments.repeats, Path(temporary))
    print("\n".join(lines))
    if arguments.write:
        head = PAGE.read_text(encoding="utf-8").split(MARK)[0]
        PAGE.write_text(f"{head}{MARK}\n\n" + "\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
