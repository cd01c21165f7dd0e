"""What belongs here: how a run whose process is gone is noticed, so that it is tried again.

Dagster's own launcher of processes learns of a dead run from the code server that started it.
If that server died too (the power failed, a service was restarted), nobody tells: the run stays
"started" for ever and keeps its place in the pool, and no other run can write.

Concept: https://docs.dagster.io/deployment/execution/run-monitoring
"""

from typing import Any

import dagster as dg
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import deserialize_value

#: Seconds that a code server may take to answer; it does nothing for it but look.
ANSWER_SECONDS = 20


class WatchedRunLauncher(DefaultRunLauncher):
    """Dagster's launcher of local processes; run monitoring asks it whether a run is alive."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._silent: set[str] = set()

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Yes, unlike the class above."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Ask the code server that started `run` whether its process is there.

        A server must be away at two looks in a row; one that is only slow is left in peace.
        """
        server = self._get_grpc_client_for_termination(run.run_id)  # type: ignore[no-untyped-call]
        if server is None:  # not launched from here, or ended by now
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        try:
            answer = server.can_cancel_execution(
                CanCancelExecutionRequest(run_id=run.run_id), timeout=ANSWER_SECONDS
            )
        except DagsterUserCodeUnreachableError as error:
            return self._without_answer(run.run_id, error)
        self._silent.discard(run.run_id)
        if deserialize_value(answer, CanCancelExecutionResult).can_cancel:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(
            WorkerStatus.FAILED, "its process is not there any more, and did not say how it ended"
        )

    def _without_answer(
        self, run_id: str, error: DagsterUserCodeUnreachableError
    ) -> CheckRunHealthResult:
        code = getattr(error.__cause__, "code", None)  # the error of gRPC has one
        slow = code is not None and code().name == "DEADLINE_EXCEEDED"
        if slow or run_id not in self._silent:
            self._silent.add(run_id)
            return CheckRunHealthResult(WorkerStatus.RUNNING, "its code server did not answer")
        self._silent.discard(run_id)
        return CheckRunHealthResult(
            WorkerStatus.FAILED,
            "the code server that started it is gone (a restart of Dagster or of the machine?)",
        )
