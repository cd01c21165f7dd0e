"""What belongs here: what assets and IO managers are given to work with, configurable in Dagster.

Concept: https://docs.dagster.io/guides/build/external-resources
"""

import contextlib
import importlib
import sys
from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from lc_pipeline.survey import SurveyConfig


class SurveyResource(dg.ConfigurableResource[Any]):
    """One survey, as its ``survey.toml`` describes it."""

    path: str = Field(description="The survey.toml, or the folder that has it.")
    store: str | None = Field(
        default=None, description="Where the stores are kept, if not where survey.toml says."
    )

    def config(self, *, match_radius_arcsec: float | None = None) -> SurveyConfig:
        """Read the survey's settings as they are now.

        Raises
        ------
        SurveyConfigError
            If they cannot be used.
        """
        survey = SurveyConfig.read(self.path)
        changes: dict[str, Any] = {}
        if self.store:
            changes["survey"] = survey.survey.model_copy(update={"store": self.store})
        if match_radius_arcsec is not None:
            changes["matching"] = survey.matching.model_copy(
                update={"radius_arcsec": match_radius_arcsec}
            )
        return survey.model_copy(update=changes) if changes else survey


class DaskResource(dg.ConfigurableResource[Any]):
    """Where parallel work is done: here, on a cluster of local processes, or on an existing one.

    With neither an address nor workers the work is done in the step's own process.
    """

    address: str | None = Field(
        default=None, description="Address of a running Dask scheduler, tcp://host:8786."
    )
    n_workers: int = Field(default=0, ge=0, description="Processes of a local cluster; 0: none.")
    threads_per_worker: int = Field(default=1, ge=1)
    memory_limit: str = Field(default="auto", description="Of each worker of a local cluster.")

    @contextlib.contextmanager
    def client(self, *, if_worth_it: bool = True) -> Iterator[Any]:
        """Make a ``distributed.Client`` the current one; None where no cluster is asked for.

        What the package does in parallel goes to the current client by itself.

        Parameters
        ----------
        if_worth_it : bool
            False: do without, because starting a cluster would take longer than the work.
        """
        if not if_worth_it or (not self.address and not self.n_workers):
            yield None
            return
        distributed: Any = importlib.import_module("distributed")  # slow to import

        with contextlib.ExitStack() as stack:
            scheduler: Any = self.address
            if not scheduler:
                scheduler = stack.enter_context(
                    distributed.LocalCluster(
                        n_workers=self.n_workers,
                        threads_per_worker=self.threads_per_worker,
                        memory_limit=self.memory_limit,
                        dashboard_address=None,
                    )
                )
            yield stack.enter_context(distributed.Client(scheduler))


def n_dask_threads() -> int:
    """Threads of the current client's workers; 0 if there is no client."""
    if "distributed" not in sys.modules:
        return 0
    distributed: Any = sys.modules["distributed"]
    try:
        return sum(distributed.get_client().nthreads().values())
    except ValueError:
        return 0
