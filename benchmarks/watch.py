"""What time a case takes."""

from __future__ import annotations

import time


class Watch:
    """Wall time and processor time (of all threads) since it was made."""

    def __init__(self) -> None:
        self.wall, self.processor = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float]:
        """Seconds of both."""
        wall, processor = time.perf_counter() - self.wall, time.process_time() - self.processor
        return {"seconds": wall, "processor": processor}

    def read_per(self, n: int) -> dict[str, float]:
        """Seconds of both for one of `n`."""
        return {name: seconds / n for name, seconds in self.read().items()}
