"""From catalogues to a light curve as a plain Python library, step by step.

Run it from the top folder: ``python examples/first_light.py [FOLDER]``. It reads the catalogues in
``data/ey_uma`` and writes two stores and a plot into FOLDER (by default a temporary one).
"""

import sys
import tempfile
from pathlib import Path

from lc_pipeline import LightcurveStorage, SourceCatalog, SurveyConfig
from lc_pipeline.analysis.plots import save_lightcurve
from lc_pipeline.catalogs.landing import find_epochs
from lc_pipeline.catalogs.source_catalog import read_epoch
from lc_pipeline.matching.build import build_reference


def main(folder: Path) -> None:
    """Walk the whole way and say what is done."""
    survey = SurveyConfig.read(Path(__file__).parents[1] / "data" / "ey_uma")
    epochs = find_epochs(survey).epochs
    print(f"1. {len(epochs)} epochs have landed in {survey.landing_folder.name}/")

    def catalogs() -> "list[SourceCatalog]":
        return [read_epoch(files, survey) for files in epochs]

    print(f"2. One of them: {catalogs()[0]!r}")

    reference = build_reference(catalogs, survey.matching, survey.reference)
    print(f"3. Merged over all epochs they show {len(reference)} objects")

    storage = LightcurveStorage(folder / "epochs").create_storage(
        reference, ["R"], matching=survey.matching, survey=survey.survey.name
    )
    n_stored = sum(
        storage.populate_epoch_from_catalog(catalog.epoch, catalog, ["R"]) for catalog in catalogs()
    )
    print(f"4. {n_stored} measurements are in the epoch store")

    lightcurves = storage.rechunk_to_object_optimized(folder / "objects", progress=False)
    print(f"5. The object store: {lightcurves!r}")

    keys = reference.key
    star = lightcurves.to_timeseries(str(keys[0]))
    print(f"6. The light curve of {keys[0]}:\n{star[:3]}")
    save_lightcurve(folder / "star.png", star, lightcurves.to_timeseries(str(keys[1])))
    print(f"7. It is drawn in {folder / 'star.png'}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
