"""Claims about the house itself: who may import whom. The code is read, not run."""

import ast
from pathlib import Path

import pytest

import lc_pipeline

HOUSE = Path(lc_pipeline.__file__).parent

#: Rooms by floor, the lowest first. `photometry` has no floor: its arithmetic lies below the
#: stores, its solvers beside the analysis; so it is looked through, to what it imports itself.
FLOORS = (
    {"_version", "errors", "flags", "progress", "tables"},
    {"survey", "sky"},
    {"catalogs"},
    {"matching"},
    {"storage"},
    {"analysis"},
    {"ingest", "simulate", "draft"},
    {"report"},
    {"analyse"},
    {"cli", "pipeline", "__main__"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def room_of(module):
    return module.split(".")[1]


@pytest.fixture(scope="module")
def imports():
    """What every module imports, by name; what is imported when a function runs included."""
    paths = {
        ".".join((HOUSE.name, *path.relative_to(HOUSE).with_suffix("").parts)): path
        for path in HOUSE.rglob("*.py")
        if path.parent != HOUSE or path.name != "__init__.py"
    }
    paths = {name.removesuffix(".__init__"): path for name, path in paths.items()}
    found = {}
    for name, path in paths.items():
        found[name] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found[name].update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                parts = (f"{node.module}.{alias.name}" for alias in node.names)
                found[name].update(part if part in paths else node.module for part in parts)
    return found


def test_nothing_imports_upward(imports):
    rooms = {room_of(name) for name in imports} - {"photometry"}
    assert rooms == FLOOR.keys(), "a new room needs a floor"
    upward = []
    for name in imports:
        waiting, seen = [name] if room_of(name) in FLOOR else [], set()
        while waiting:
            for module in imports.get(waiting.pop(), set()) & imports.keys() - seen:
                seen.add(module)
                if room_of(module) == "photometry":
                    waiting.append(module)
                elif FLOOR[room_of(module)] > FLOOR[room_of(name)]:
                    upward.append(f"{name} -> {module}")
    assert not upward


def test_imports_never_go_round(imports):
    left = {name: modules & imports.keys() - {name} for name, modules in imports.items()}
    while free := {name for name, modules in left.items() if not modules}:
        left = {name: modules - free for name, modules in left.items() if name not in free}
    assert not left


def test_only_the_pipeline_knows_of_dagster(imports):
    users = {room_of(name) for name, modules in imports.items() for module in modules
             if module.split(".")[0] == "dagster"}  # fmt: skip
    assert users == {"pipeline"}
