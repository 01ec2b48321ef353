"""What the server counts, as Prometheus reads it (text format 0.0.4)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from typing import Final

_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_REQUESTS, _PREDICT = "hanmadi_requests_total", "hanmadi_predict_seconds"
HELP: Final = {
    "hanmadi_streams_total": "Sockets that were opened.",
    "hanmadi_stream_blocks_total": "Blocks of sound that came through sockets.",
    "hanmadi_stream_windows_total": "Windows that were scored.",
    "hanmadi_detections_total": "Words that were detected.",
}


class Metrics:
    """Counters of one server; any thread may count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter(dict.fromkeys(HELP, 0))
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._buckets = [0] * len(_BUCKETS_S)
        self._predictions = 0
        self._seconds = 0.0
        self._open = 0

    def count(self, name: str, by: int = 1) -> None:
        """Add to one of the counters that `HELP` names."""
        with self._lock:
            self._counts[name] += by

    def request(self, route: str, method: str, status: int) -> None:
        """A request was answered; route: as it is written in the table of routes, not as it came."""
        with self._lock:
            self._requests[route, method, status] += 1

    def predicted(self, seconds: float) -> None:
        """A prediction took so long, from its body to its answer."""
        with self._lock:
            self._predictions += 1
            self._seconds += seconds
            for i, bound in enumerate(_BUCKETS_S):
                self._buckets[i] += seconds <= bound

    def opened(self, by: int) -> None:
        """So many sockets more are open."""
        with self._lock:
            self._open += by

    def text(self) -> str:
        """All counters in the text format of Prometheus."""
        with self._lock:
            return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield from _family(_REQUESTS, "counter", "Requests by route and status.")
        for (route, method, status), count in sorted(self._requests.items()):
            yield f'{_REQUESTS}{{route="{route}",method="{method}",status="{status}"}} {count}'
        yield from _family("hanmadi_streams_open", "gauge", "Sockets that are open.")
        yield f"hanmadi_streams_open {self._open}"
        for name, what in HELP.items():
            yield from _family(name, "counter", what)
            yield f"{name} {self._counts[name]}"
        yield from _family(_PREDICT, "histogram", "Time from a body to its answer.")
        for bound, count in zip(_BUCKETS_S, self._buckets, strict=True):
            yield f'{_PREDICT}_bucket{{le="{bound:g}"}} {count}'
        yield f'{_PREDICT}_bucket{{le="+Inf"}} {self._predictions}'
        yield f"{_PREDICT}_sum {self._seconds:.6f}"
        yield f"{_PREDICT}_count {self._predictions}"


def _family(name: str, kind: str, what: str) -> Iterator[str]:
    yield f"# HELP {name} {what}"
    yield f"# TYPE {name} {kind}"
