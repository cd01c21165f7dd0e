"""Claims about docs/dagster.md: what it says can be done as it says."""

import importlib.util
import os
import re
import subprocess
import sys
import textwrap

import dagster as dg
import pytest
import yaml


@pytest.fixture(scope="module")
def page(project):
    return (project / "docs" / "dagster.md").read_text()


def test_a_users_own_asset_works_from_the_text_alone(page, ey_uma_survey, tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_DISABLE_TELEMETRY", "yes")
    (code,) = re.findall(r"```python\n(import dagster.*?)```", page, flags=re.DOTALL)
    module = tmp_path / "my_pipeline.py"
    module.write_text(code.replace("data/ey_uma", str(ey_uma_survey)))
    spec = importlib.util.spec_from_file_location("my_pipeline", module)
    own = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(own)
    home = tmp_path / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        result = dg.materialize(
            own.defs.assets,
            selection=[own.brightest],
            resources=own.defs.resources,
            instance=instance,
        )
        assert result.success
        found = result.output_for_node("brightest")
        assert found["magnitude"] < -9
        objects = own.defs.load_asset_value("object_lightcurves")
        assert found["object"] in objects.object.values


@pytest.mark.parametrize("target", [[], ["-w", "workspace.yaml"]])
def test_the_definitions_load_by_both_files(project, target):
    assert "Validation successful for code location lc_pipeline" in validated(target, project)


def validated(target, folder, **environment):
    """What Dagster says of definitions that it could load."""
    finished = subprocess.run(
        [sys.executable, "-m", "dagster", "definitions", "validate", *target],
        cwd=folder,
        env=os.environ | {"DAGSTER_DISABLE_TELEMETRY": "yes"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    said = finished.stdout + finished.stderr
    assert finished.returncode == 0, said
    return said


def test_two_surveys_are_two_code_locations(page, project, tmp_path):
    (code,) = re.findall(r"```python\n(  import os.*?)```", page, flags=re.DOTALL)
    (entry,) = re.findall(r"```yaml\n(    - python_file.*?)  ```", page, flags=re.DOTALL)
    (tmp_path / "af_vel.py").write_text(textwrap.dedent(code))
    workspace = (project / "workspace.yaml").read_text() + textwrap.indent(
        textwrap.dedent(entry), "  "
    )
    (tmp_path / "workspace.yaml").write_text(workspace)
    said = validated(["-w", "workspace.yaml"], tmp_path, PYTHONPATH=str(project))
    for name in ("lc_pipeline", "af_vel"):
        assert f"Validation successful for code location {name}" in said


def test_the_configuration_of_a_run_is_valid(page):
    from lc_pipeline.pipeline.definitions import build_defs  # noqa: PLC0415

    (text,) = re.findall(r"```yaml\n(ops:.*?)```", page, flags=re.DOTALL)
    job = build_defs("data/ey_uma").resolve_job_def("ingest_epochs")
    assert dg.validate_run_config(job, yaml.safe_load(text))


def test_pictures_are_there_and_small(page, project):
    pictures = re.findall(r"!\[.+?\]\((.+?)\)", page)
    assert pictures
    for picture in pictures:
        assert 0 < (project / "docs" / picture).stat().st_size < 150_000, picture


def test_the_page_names_what_there_is(page):
    from lc_pipeline.pipeline.definitions import build_defs  # noqa: PLC0415

    definitions = build_defs("data/ey_uma")
    names = [key.path[-1] for key in definitions.resolve_asset_graph().get_all_asset_keys()]
    names += [sensor.name for sensor in definitions.sensors]
    names += ["nightly", "weekly_upkeep", "ingest_epochs", "publish_lightcurves", "analyse"]
    names.remove("on_failure")
    for name in names:
        assert f"`{name}`" in page, name
