"""What belongs here: how a run speaks in a terminal."""

import logging
import sys

import dagster as dg


@dg.logger({}, "What assets say themselves, without the events of Dagster.")
def progress_logger(_: dg.InitLoggerContext) -> logging.Logger:
    """Print progress for a person."""
    logger = logging.Logger("lc_pipeline", logging.INFO)  # noqa: LOG001 (one per run, not global)
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(lambda record: not getattr(record, "dagster_meta", {}).get("dagster_event"))
    handler.setFormatter(_Spoken())
    logger.addHandler(handler)
    return logger


class _Spoken(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said = getattr(record, "dagster_meta", {})
        return f"{said.get('step_key', '')}: {said.get('orig_message', record.getMessage())}"
