"""Candidates against the truth: ``python -m benchmarks.completeness FOLDER``.

Simulates surveys, runs the pipeline, the calibration, the statistics and the candidates on them,
and says what was found of the injected variables and how many constant objects were called
variable. The tables go to standard output as Markdown, the plot to ``FOLDER/completeness.png``;
both stand in docs/candidates.md.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import xarray as xr
from astropy.table import Table
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lc_pipeline import LightcurveStorage
from lc_pipeline.analysis.candidates import (
    Scores,
    lightcurve_evidence,
    variability_scores,
    variable_candidates,
)
from lc_pipeline.analysis.candidates.columns import numbers, texts
from lc_pipeline.analysis.candidates.usual import usual_at_brightness
from lc_pipeline.analysis.colours import COLOURS
from lc_pipeline.analysis.statistics import variability_statistics
from lc_pipeline.photometry.zero_points import solve_calibration
from lc_pipeline.simulate import Simulation, simulate_survey
from lc_pipeline.simulate.settings import VARIABLE_KINDS
from lc_pipeline.survey import CandidatesSection, StatisticsSection

SETTINGS = CandidatesSection()
STATISTICS = StatisticsSection(
    indices=(
        *SETTINGS.scatter_indices, *SETTINGS.order_indices, *SETTINGS.pair_indices,
        "median", "robust_amplitude", "reduced_chi2",
    )
)  # fmt: skip
RATES = (1e-1, 1e-2, 1e-3, 1e-4)
AMPLITUDES = (0.0, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, np.inf)
#: Surveys of variables of all kinds, blends, clouds, spoiled values; and what differs.
SURVEYS = {
    "two bands, 80 nights": {"n_epochs": 80, "bands": ("g", "r")},
    "one band, 80 nights": {"n_epochs": 80, "bands": ("r",)},
    "two bands, 25 nights": {"n_epochs": 25, "bands": ("g", "r")},
    "two bands, 200 exposures in 3 nights": {
        "n_epochs": 200, "bands": ("g", "r"), "cadence": "dense",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """One simulated survey, object by object."""

    kind: NDArray[np.str_]
    is_blend: NDArray[np.bool_]
    amplitude: NDArray[np.float64]
    """Peak to peak (of agn twice the standard deviation) over the scatter of constant objects."""
    scores: Scores
    is_candidate: NDArray[np.bool_]
    is_clean: NDArray[np.bool_]
    """Candidate without a veto."""

    @property
    def is_constant(self) -> NDArray[np.bool_]:
        """Constant objects that were judged and are no blends."""
        return (self.kind == "constant") & ~self.is_blend & np.isfinite(self.scores.log_p)


def simulate(folder: Path, n_objects: int, seed: int, changes: dict[str, object]) -> Outcome:
    """Simulate a survey, run everything on it, and compare with the truth."""
    settings = Simulation(
        n_objects=n_objects, seed=seed, radius_arcmin=0.25 * n_objects**0.5, **changes
    )  # type: ignore[arg-type]
    truth = simulate_survey(folder, settings)
    command = [sys.executable, "-m", "lc_pipeline", "run", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    dataset = LightcurveStorage(folder / "store" / "objects").dataset
    dataset = solve_calibration(dataset).attach(dataset)
    statistics = variability_statistics(dataset, STATISTICS)
    seeing = dict(zip(truth.epochs["epoch"], truth.epochs["seeing"], strict=True))
    conditions = {"seeing": [seeing[epoch] for epoch in dataset["epoch"].values]}
    evidence = lightcurve_evidence(dataset, SETTINGS, conditions=conditions)
    scores = variability_scores(statistics, SETTINGS, evidence.objects)
    candidates = variable_candidates(statistics, SETTINGS, evidence=evidence)
    for note in candidates.meta["notes"]:
        print(f"  {note}", file=sys.stderr)
    return _compare(truth.objects, settings, statistics, scores, candidates)


def _compare(
    objects: Table, settings: Simulation, statistics: Table, scores: Scores, candidates: Table
) -> Outcome:
    place = {key: number for number, key in enumerate(texts(objects, "key"))}
    rows = np.array([place[name] for name in texts(statistics, "object")])
    band = settings.bands[0]
    usual = usual_at_brightness(
        0.7413 * numbers(statistics, f"iqr_{band}"), numbers(statistics, f"median_{band}")
    )
    kind = np.array(texts(objects, "kind"))[rows]
    amplitude = numbers(objects, f"amplitude_{band}")[rows] * np.where(kind == "agn", 2.0, 1.0)
    vetoes = dict(zip(texts(candidates, "object"), texts(candidates, "vetoes"), strict=True))
    names = texts(statistics, "object")
    return Outcome(
        kind=kind,
        is_blend=np.array([bool(one) for one in texts(objects, "blend_partner")])[rows],
        amplitude=amplitude / usual,
        scores=scores,
        is_candidate=np.array([name in vetoes for name in names]),
        is_clean=np.array([vetoes.get(name) == "" for name in names]),
    )


# ------------------------------------------------------------------ constant objects only


def constant_field(
    random: np.random.Generator, n_objects: int, n_epochs: int, n_bands: int, freedom: float
) -> xr.Dataset:
    """Constant objects, 14 to 20 mag; noise is Student's t (inf: Gaussian)."""
    shape = (n_objects, n_bands, n_epochs)
    noise = random.normal(size=shape)
    if np.isfinite(freedom):
        noise = random.standard_t(freedom, shape)
    magnitude = random.uniform(14, 20, (n_objects, 1, 1))
    sigma = np.hypot(0.005, 0.1 * 10 ** (0.4 * (magnitude - 20)))
    values = np.stack([magnitude + sigma * noise, np.broadcast_to(sigma, shape)], axis=2)
    keys = ["g", "r", "i"][:n_bands]
    return xr.Dataset(
        {
            "lightcurves": (("object", "measurement", "value", "epoch"), values.astype("f4")),
            "flags": (("object", "measurement", "epoch"), np.zeros(shape, dtype="uint16")),
        },
        {
            "object": [f"star{number}" for number in range(n_objects)],
            "ra": ("object", random.uniform(0, 1, n_objects), {"units": "deg"}),
            "dec": ("object", random.uniform(0, 1, n_objects), {"units": "deg"}),
            "measurement": keys,
            "quantity": ("measurement", ["mag"] * n_bands),
            "unit": ("measurement", ["mag"] * n_bands),
            "value": ["mag", "mag_err"],
            "epoch": [f"e{number}" for number in range(n_epochs)],
            "time": ("epoch", 60000.0 + np.sort(random.uniform(0, 400, n_epochs))),
        },
    )


def realised_rates(n_objects: int, n_fields: int, freedom: float) -> NDArray[np.float64]:
    """Fraction of constant objects called variable at each of `RATES`, over some fields."""
    random = np.random.default_rng(n_objects)
    fractions = []
    for number in range(n_fields):
        dataset = constant_field(
            random, n_objects, (30, 60, 100)[number % 3], 1 + number % 2, freedom
        )
        statistics = variability_statistics(dataset, STATISTICS, workers=1)
        evidence = lightcurve_evidence(dataset, SETTINGS, workers=1)
        log_p = variability_scores(statistics, SETTINGS, evidence.objects).log_p
        fractions.append([np.mean(log_p <= np.log(rate)) for rate in RATES])
    return np.mean(fractions, axis=0)


# ------------------------------------------------------------------ tables


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """A table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def by_kind(outcomes: dict[str, Outcome]) -> str:
    """Completeness by kind, per survey."""
    rows = []
    for kind in VARIABLE_KINDS:
        cells = [kind]
        for one in outcomes.values():
            of_kind = one.kind == kind
            found = one.is_candidate[of_kind]
            clean = one.is_clean[of_kind]
            cells.append(f"{_percent(found)} ({_percent(clean)}) of {of_kind.sum()}")
        rows.append(cells)
    return markdown(["kind", *outcomes], rows)


def by_amplitude(outcomes: dict[str, Outcome]) -> str:
    """Completeness by amplitude over scatter, all kinds but transients."""
    rows = []
    for low, high in pairwise(AMPLITUDES):
        cells = [f"{low:g} to {high:g}" if np.isfinite(high) else f"over {low:g}"]
        for one in outcomes.values():
            there = (one.kind != "constant") & (one.amplitude >= low) & (one.amplitude < high)
            cells.append(f"{_percent(one.is_candidate[there])} of {there.sum()}")
        rows.append(cells)
    return markdown(["amplitude / scatter", *outcomes], rows)


def false_alarms(outcomes: dict[str, Outcome]) -> str:
    """Constant objects called variable, stated and realised."""
    rows = []
    for rate in RATES:
        cells = [f"{rate:g}"]
        for one in outcomes.values():
            log_p = one.scores.log_p[one.is_constant]
            cells.append(f"{np.sum(log_p <= np.log(rate))} ({rate * len(log_p):.3g})")
        rows.append(cells)
    found = ["at 0.001, without a veto"]
    blends = ["blends at 0.001 (without a veto)"]
    for one in outcomes.values():
        found.append(str(np.sum(one.is_clean & one.is_constant)))
        pairs = one.is_blend
        blends.append(
            f"{np.sum(one.is_candidate & pairs)} ({np.sum(one.is_clean & pairs)}) of {pairs.sum()}"
        )
    return markdown(["stated rate", *outcomes], [*rows, found, blends])


def constant_only(sizes: list[tuple[int, int]]) -> str:
    """Realised over stated rates on constant objects."""
    rows = []
    for n_objects, n_fields in sizes:
        for name, freedom in (("Gaussian", np.inf), ("Student's t, 3", 3.0)):
            rates = realised_rates(n_objects, n_fields, freedom)
            counts = [
                f"{rate / stated:.1f} ({rate * n_objects * n_fields:.0f})"
                for rate, stated in zip(rates, RATES, strict=True)
            ]
            rows.append([f"{n_objects:,} x {n_fields}", name, *counts])
    return markdown(["objects x fields", "noise", *(f"{rate:g}" for rate in RATES)], rows)


def _percent(flags: NDArray[np.bool_]) -> str:
    return f"{np.mean(flags):.0%}" if len(flags) else "none"


# ------------------------------------------------------------------ plot


def plot(outcomes: dict[str, Outcome]) -> Figure:
    """Completeness against amplitude; number of false alarms against the stated one."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for colour, (name, one) in zip(COLOURS, outcomes.items(), strict=False):
        centre, fraction, error = zip(*_curve(one), strict=True)
        left.errorbar(centre, fraction, error, color=colour, marker="o", ms=3, lw=1, label=name)
        log_p = np.sort(one.scores.log_p[one.is_constant]) / np.log(10)
        stated = 10.0**log_p * len(log_p)
        right.plot(stated, np.arange(1, len(log_p) + 1), color=colour, lw=1.2)
    left.axhline(1, color="#bbbbbb", lw=0.8)
    left.set(xscale="log", xlabel="amplitude / scatter of constant objects",
             ylabel="completeness", ylim=(0, 1.05))  # fmt: skip
    left.legend(fontsize="x-small", loc="lower right")
    right.plot([0.05, 3000], [0.05, 3000], "--", color="#888888", lw=1)
    right.set(xscale="log", yscale="log", xlim=(0.05, 3000), ylim=(0.7, 3000),
              xlabel="false alarms, stated", ylabel="false alarms, realised")  # fmt: skip
    for panel in (left, right):
        panel.grid(alpha=0.25)
    return figure


def _curve(one: Outcome) -> Iterator[tuple[float, float, float]]:
    edges = 10.0 ** np.arange(-0.5, 2.3, 0.2)
    for low, high in pairwise(edges):
        there = (one.kind != "constant") & (one.amplitude >= low) & (one.amplitude < high)
        if there.sum() > 4:
            fraction = float(np.mean(one.is_candidate[there]))
            error = float(np.sqrt(max(fraction * (1 - fraction), 0.01) / there.sum()))
            yield float(np.sqrt(low * high)), fraction, error


def main() -> None:
    """Make all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--objects", type=int, default=4000)
    parser.add_argument("--quick", action="store_true", help="fewer fields of constant objects")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    outcomes = {}
    for number, (name, changes) in enumerate(SURVEYS.items()):
        began = time.process_time()
        print(name, file=sys.stderr)
        folder = options.folder / f"survey{number}"
        outcomes[name] = simulate(folder, options.objects, 11 + number, dict(changes))
        print(f"  {time.process_time() - began:.1f} s of CPU here", file=sys.stderr)
    figure = plot(outcomes)
    figure.savefig(options.folder / "completeness.png", dpi=100)
    print(by_kind(outcomes), by_amplitude(outcomes), false_alarms(outcomes), sep="\n")
    sizes = [(41, 60), (154, 20), (2000, 3)] if options.quick else [
        (41, 150), (154, 50), (2000, 8), (20_000, 1),
    ]  # fmt: skip
    print(constant_only(sizes))


if __name__ == "__main__":
    main()
