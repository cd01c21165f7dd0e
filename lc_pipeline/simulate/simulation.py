"""From settings to a folder with a survey in it."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lc_pipeline.simulate.files import (
    EPOCHS_FILE,
    EPOCHS_FOLDER,
    MEASUREMENTS_FILE,
    OBJECTS_FILE,
    SURVEY_FILE,
    survey_text,
    write_catalogues,
    write_reference,
)
from lc_pipeline.simulate.observing import SimulatedSky
from lc_pipeline.simulate.settings import Simulation, SimulationError
from lc_pipeline.simulate.truth import (
    MEASUREMENT_SCHEMA,
    Truth,
    epoch_row,
    epoch_table,
    measurement_rows,
    object_table,
)

Progress = Callable[[int, int], None]
_Made = tuple[dict[str, Any], pa.Table | None]


def simulate_survey(
    folder: str | Path,
    settings: Simulation | None = None,
    *,
    measurements: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
) -> Truth:
    """Write a survey with a known truth: catalogues, ``survey.toml`` and the truth itself.

    Parameters
    ----------
    folder : str or Path
        New or empty.
    settings : Simulation, optional
        By default ``Simulation()``.
    measurements : bool
        Write the truth of every value as well (``truth_measurements.parquet``): some 10 bytes per
        object, epoch and band.
    workers : int
        Processes. The files do not depend on it.
    progress : callable, optional
        Called with (epochs done, epochs in all).

    Returns
    -------
    Truth

    Raises
    ------
    SimulationError
        If `folder` is not empty, or the objects do not fit into the field.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> truth = simulate_survey(folder.name, Simulation(n_objects=10, n_epochs=2))
    >>> len(truth.objects), sorted(path.name for path in Path(folder.name).iterdir())
    (10, ['epochs', 'reference.ecsv', 'survey.toml', 'truth.ecsv', 'truth_epochs.ecsv'])
    >>> folder.cleanup()
    """
    folder, settings = Path(folder), settings or Simulation()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SimulationError(f"{folder} is there and not empty: name a new folder")
    sky = SimulatedSky(settings)
    landing = folder / EPOCHS_FOLDER
    try:
        landing.mkdir(parents=True)
    except OSError as error:
        raise SimulationError(f"{folder} cannot be made: {error.strerror}") from error
    objects = object_table(settings, sky.objects)
    objects.write(folder / OBJECTS_FILE, format="ascii.ecsv")
    if settings.reference == "file":
        write_reference(folder, objects)
    rows = []
    made = _made(sky, landing, measurements=measurements, workers=workers)
    path = folder / MEASUREMENTS_FILE
    writer = pq.ParquetWriter(path, MEASUREMENT_SCHEMA) if measurements else None
    try:
        for number, (row, values) in enumerate(made):
            rows.append(row)
            if writer:
                writer.write_table(values)
            if progress:
                progress(number + 1, settings.n_epochs)
    finally:
        if writer:
            writer.close()
    epochs = epoch_table(rows)
    epochs.write(folder / EPOCHS_FILE, format="ascii.ecsv")
    # Last: where it stands, the survey is complete.
    (folder / SURVEY_FILE).write_text(survey_text(settings), encoding="utf-8")
    return Truth(folder, settings, objects, epochs)


def _made(sky: SimulatedSky, landing: Path, *, measurements: bool, workers: int) -> Iterator[_Made]:
    """Write the epochs' catalogues; give what is true of each, in order."""
    numbers = range(sky.settings.n_epochs)
    if workers <= 1:
        for number in numbers:
            yield _make(sky, landing, number, measurements=measurements)
        return
    with ProcessPoolExecutor(
        workers,
        multiprocessing.get_context("spawn"),
        initializer=_begin_worker,
        initargs=(sky.settings, landing, measurements),
    ) as pool:
        ahead: deque[Future[_Made]] = deque()
        for number in numbers:
            ahead.append(pool.submit(_make_in_worker, number))
            if len(ahead) > 2 * workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _make(sky: SimulatedSky, landing: Path, number: int, *, measurements: bool) -> _Made:
    observation = sky.observe(number)
    write_catalogues(landing, sky.settings, observation)
    values = measurement_rows(sky, observation) if measurements else None
    return epoch_row(sky.settings, observation), values


_worker: dict[str, Any] = {}


def _begin_worker(settings: Simulation, landing: Path, measurements: bool) -> None:  # noqa: FBT001
    """Draw the sky once in each process: it is the same everywhere."""
    _worker.update(sky=SimulatedSky(settings), landing=landing, measurements=measurements)


def _make_in_worker(number: int) -> _Made:
    return _make(number=number, **_worker)
