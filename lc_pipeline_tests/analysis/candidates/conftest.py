"""Small surveys of stars, of which it is known what they are."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import xarray as xr

from lc_pipeline.analysis.candidates import lightcurve_evidence, variable_candidates
from lc_pipeline.analysis.statistics import variability_statistics
from lc_pipeline.survey import CandidatesSection, StatisticsSection

N_EPOCHS = 60
INDICES = ("median", "mad", "lag1", "inverse_eta", "correlation", "stetson_j", "reduced_chi2")


@dataclass
class Survey:
    """Arrays that a test changes before it looks for candidates."""

    value: np.ndarray
    """(object, measurement, epoch)"""
    sigma: np.ndarray
    """(object,)"""
    time: np.ndarray
    ra: np.ndarray
    dec: np.ndarray
    error: np.ndarray
    flags: np.ndarray
    quantity: str = "mag"
    names: list = field(default_factory=list)

    @property
    def keys(self):
        return ["g", "r", "i"][: self.value.shape[1]]

    @property
    def dataset(self):
        gone = np.where(np.isfinite(self.value), 0, 4).astype("uint16")
        dims = ("object", "measurement", "epoch")
        return xr.Dataset(
            {
                "lightcurves": (
                    ("object", "measurement", "value", "epoch"),
                    np.stack([self.value, self.error], axis=2).astype("float32"),
                ),
                "flags": (dims, np.where(self.flags, self.flags, gone)),
            },
            {
                "object": self.names,
                "ra": ("object", self.ra, {"units": "deg"}),
                "dec": ("object", self.dec, {"units": "deg"}),
                "measurement": self.keys,
                "quantity": ("measurement", [self.quantity] * len(self.keys)),
                "unit": ("measurement", ["mag" if self.quantity == "mag" else "uJy"]
                         * len(self.keys)),
                "value": [self.quantity, f"{self.quantity}_err"],
                "epoch": [f"e{number}" for number in range(len(self.time))],
                "time": ("epoch", self.time),
            },
        )  # fmt: skip

    def vary(self, star, amplitude=10.0, period=7.3):
        """Make a star a sine of this peak-to-peak amplitude, in units of its noise."""
        phase = 2 * np.pi * self.time / period
        self.value[star] += amplitude / 2 * self.sigma[star] * np.sin(phase)

    def rows(self, order):
        """The same survey with its objects in another order."""
        arrays = {
            name: getattr(self, name)[order]
            for name in ("value", "sigma", "ra", "dec", "error", "flags")
        }
        return replace(self, **arrays, names=[self.names[number] for number in order])

    def candidates(self, conditions=None, periods=None, **settings):
        settings = CandidatesSection(**settings)
        needed = StatisticsSection(indices=(*INDICES, *settings.scatter_indices))
        statistics = variability_statistics(self.dataset, needed, workers=1)
        evidence = lightcurve_evidence(self.dataset, settings, conditions=conditions, workers=1)
        return variable_candidates(statistics, settings, evidence=evidence, periods=periods)

    def doubt(self, star, **options):
        """What speaks against a star; an error if it is no candidate."""
        table = self.candidates(**options)
        found = {str(row["object"]): str(row["vetoes"]) for row in table}
        return found[f"star{star}"]


def make_survey(n_objects=150, n_bands=2, n_epochs=N_EPOCHS, seed=1, freedom=None):
    random = np.random.default_rng(seed)
    shape = (n_objects, n_bands, n_epochs)
    magnitude = random.uniform(14, 19, n_objects)
    sigma = np.hypot(0.005, 0.1 * 10 ** (0.4 * (magnitude - 20)))
    noise = random.normal(size=shape) if freedom is None else random.standard_t(freedom, shape)
    return Survey(
        value=magnitude[:, np.newaxis, np.newaxis] + sigma[:, np.newaxis, np.newaxis] * noise,
        sigma=sigma,
        time=60000.0 + np.arange(n_epochs) + random.uniform(0, 0.2, n_epochs),
        # A grid, 36" wide: nothing is near anything.
        ra=10 + np.arange(n_objects) % 20 / 100,
        dec=np.arange(n_objects) // 20 / 100,
        error=np.broadcast_to(sigma[:, np.newaxis, np.newaxis], shape).copy(),
        flags=np.zeros(shape, dtype="uint16"),
        names=[f"star{number}" for number in range(n_objects)],
    )


@pytest.fixture(name="make_survey", scope="session")
def _make_survey():
    return make_survey
