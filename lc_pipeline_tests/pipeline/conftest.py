import os
import shutil

import dagster as dg
import pytest
from dagster._core.storage.defs_state.base import set_defs_state_storage

from lc_pipeline.pipeline.__main__ import materialize_all
from lc_pipeline.pipeline.definitions import build_defs

os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"

N_EPOCHS = 6


def copy_survey(project, folder, n_epochs=N_EPOCHS):
    """A survey of a few epochs of data/ey_uma; its folder."""
    source = project / "data" / "ey_uma"
    (folder / "epochs").mkdir(parents=True)
    for path in sorted((source / "epochs").iterdir())[:n_epochs]:
        shutil.copy(path, folder / "epochs")
    text = (source / "survey.toml").read_text()
    (folder / "survey.toml").write_text(text.replace("min_epochs = 10", "min_epochs = 2"))
    return folder


@pytest.fixture(autouse=True)
def no_instance_of_another_test():
    """Dagster loads definitions with the state of the instance entered last, gone or not."""
    with set_defs_state_storage(None):
        yield


@pytest.fixture
def survey(project, tmp_path):
    """A folder with survey.toml and six epochs, 001 to 006."""
    return copy_survey(project, tmp_path / "survey")


@pytest.fixture
def definitions(survey):
    return build_defs(survey, settle_seconds=0.0)


@pytest.fixture
def instance(tmp_path):
    """A Dagster instance of its own."""
    with open_instance(tmp_path / "dagster") as instance:
        yield instance


def open_instance(home):
    home.mkdir(exist_ok=True)
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    return dg.DagsterInstance.from_config(str(home))


@pytest.fixture(scope="session")
def made_once(project, tmp_path_factory):
    """A folder with a survey and an instance, everything made once."""
    folder = tmp_path_factory.mktemp("made_once")
    survey = copy_survey(project, folder / "survey")
    with open_instance(folder / "dagster") as instance:
        assert materialize_all(build_defs(survey), instance) == []
    return folder


@pytest.fixture
def materialized(made_once, survey, tmp_path):
    """The instance, everything made, for the survey of this test."""
    shutil.copytree(made_once / "survey", survey, dirs_exist_ok=True)
    shutil.copytree(made_once / "dagster", tmp_path / "dagster")
    with open_instance(tmp_path / "dagster") as instance:
        yield instance
