"""Claims about runs whose process is gone: they are told from those that live."""

import dagster as dg
import grpc
import pytest
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import WorkerStatus
from dagster._core.test_utils import instance_for_test
from dagster._grpc.types import CanCancelExecutionResult
from dagster._serdes import serialize_value

from lc_pipeline.pipeline.launcher import WatchedRunLauncher

RUN = dg.DagsterRun(job_name="ingest_epochs")


class Refusal(grpc.RpcError):
    """What grpc raises."""

    def __init__(self, code):
        self.code = lambda: code


class Server:
    """A code server: it knows the run, does not know it, or fails as grpc does."""

    def __init__(self, behaviour):
        self.behaviour = behaviour

    def can_cancel_execution(self, request, timeout):
        assert request.run_id == RUN.run_id
        assert timeout > 0
        if self.behaviour in ("alive", "dead"):
            return serialize_value(CanCancelExecutionResult(can_cancel=self.behaviour == "alive"))
        raise DagsterUserCodeUnreachableError("unreachable") from Refusal(self.behaviour)


@pytest.fixture
def look(monkeypatch):
    """Look at a run of a server; give the status."""
    launcher = WatchedRunLauncher()

    def _look(behaviour):
        server = None if behaviour is None else Server(behaviour)
        monkeypatch.setattr(launcher, "_get_grpc_client_for_termination", lambda _: server)
        return launcher.check_run_worker_health(RUN).status

    return _look


def test_a_run_that_its_server_knows_is_alive(look):
    assert look("alive") is WorkerStatus.RUNNING


def test_a_run_that_its_server_does_not_know_is_dead(look):
    assert look("dead") is WorkerStatus.FAILED


def test_a_run_that_was_launched_elsewhere_or_ended_is_left_alone(look):
    assert look(None) is WorkerStatus.RUNNING


def test_a_run_is_dead_when_its_server_is_away_twice_in_a_row(look):
    away = grpc.StatusCode.UNAVAILABLE
    assert look(away) is WorkerStatus.RUNNING
    assert look("alive") is WorkerStatus.RUNNING
    assert look(away) is WorkerStatus.RUNNING
    assert look(away) is WorkerStatus.FAILED


def test_a_slow_server_is_not_taken_for_a_dead_one(look):
    for _ in range(3):
        assert look(grpc.StatusCode.DEADLINE_EXCEEDED) is WorkerStatus.RUNNING


def test_the_shipped_instance_watches_its_runs(project):
    config = {"module": "lc_pipeline.pipeline.launcher", "class": "WatchedRunLauncher"}
    assert f"class: {config['class']}" in (project / "dagster.yaml").read_text()
    with instance_for_test(overrides={"run_launcher": config}) as instance:
        assert instance.run_launcher.supports_check_run_worker_health
