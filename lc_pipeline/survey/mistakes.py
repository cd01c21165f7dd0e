"""What is wrong in a ``survey.toml``, in the words of whoever wrote it."""

from __future__ import annotations

import difflib
import json
from typing import Any, get_args

from pydantic import BaseModel, ValidationError


def explain(
    where: str, error: ValidationError, settings: dict[str, Any], survey: type[BaseModel]
) -> str:
    """Say what is wrong: a line per setting with file, key, what was expected and found.

    Parameters
    ----------
    where : str
        The file, for the lines to begin with.
    error : pydantic.ValidationError
    settings : dict
        What the file says, to call a measurement by its key.
    survey : type of SurveyConfig
        Its fields are the settings there are.
    """
    lines = []
    for problem in error.errors():
        key = _setting_at(problem["loc"], settings)
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = f"there is no such setting.{_did_you_mean(problem['loc'], settings, survey)}"
        elif problem["type"] == "tuple_type":
            message = f"expected a list{_list_example(problem)}"
        elif problem["type"] == "missing":
            message = "is required"
        elif not isinstance(problem["input"], dict):
            message += f" (found {problem['input']!r})"
        lines.append(f"{where}: {key}: {message}" if key else f"{where}: {message}")
    return "\n".join(lines)


def _setting_at(location: tuple[int | str, ...], settings: dict[str, Any]) -> str:
    """Name a setting by the measurement's key: ``measurements (V).value``."""
    name = ""
    found: Any = settings
    for part in location:
        if part == "function-after":
            continue
        try:
            found = found[part]
        except (LookupError, TypeError):
            found = None
        if isinstance(part, int):
            key = str(found.get("key", "")) if isinstance(found, dict) else ""
            name += f" ({key.strip() or f'number {part + 1}'})"
        else:
            name += f".{part}" if name else part
    return name


def _did_you_mean(
    location: tuple[int | str, ...], settings: dict[str, Any], survey: type[BaseModel]
) -> str:
    """Name the settings that exist beside a mistaken one."""
    if not settings:
        return ""
    section = survey
    for part in location[:-1]:
        if part in section.model_fields:
            section = _section_of(section.model_fields[str(part)].annotation) or section
    names = [field.alias or name for name, field in section.model_fields.items() if name != "path"]
    close = difflib.get_close_matches(str(location[-1]).lower(), names, n=1)
    nearest = f" Did you mean {close[0]}?" if close else ""
    return f"{nearest} Known here: {', '.join(names)}"


def _section_of(annotation: Any) -> type[BaseModel] | None:
    """Find the section in the type of a field: ``tuple[MeasurementSection, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_section_of, get_args(annotation))), None)


def _list_example(problem: Any) -> str:
    """Show how a list is written, for what was written instead of one."""
    found = problem["input"]
    if isinstance(found, dict):
        return f": [[{problem['loc'][-1]}]]"
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return ""
    return f", e.g. [{json.dumps(float(found) if isinstance(found, int) else found)}]"
