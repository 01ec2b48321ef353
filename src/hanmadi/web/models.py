"""The models that the page may choose: those that come with the package, and the runs of one folder.

An id that comes in a request is only looked up in a listing made here; no path is ever built from it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from hanmadi.errors import HanmadiError, ModelError
from hanmadi.files import printable
from hanmadi.inference.recognizer import DEFAULT_MODEL, Recognizer, find_model, load, shipped
from hanmadi.inference.summary import summary
from hanmadi.runs import FILE_NAME, REPORT, finished_runs, newest_run
from hanmadi.web.limits import RefusedError
from hanmadi.web.query import shown

Kind = Literal["shipped", "run", "file"]
_KEPT: Final = 8  # opened models
_Stamp = tuple[Path, int, int]  # changes when the file does


@dataclass(frozen=True)
class Entry:
    """A model that the page offers: shipped with the package, or a finished run."""

    id: str
    kind: Kind
    path: Path  # of the model file

    @property
    def report(self) -> Path | None:
        """The report beside a run's model."""
        path = self.path.parent / REPORT
        return path if self.kind == "run" and path.is_file() else None


class Catalogue:
    """Lists models and opens them when they are needed; any thread may ask."""

    def __init__(self, runs: Path, model: str | None = None) -> None:
        """runs: the folder with the runs; model: the default, as `hanmadi.load` takes it.

        Raises ModelError if that model cannot be read.
        """
        self._runs = runs
        self._chosen = None if model is None else find_model(model)
        self._lock = threading.Lock()
        self._opened: OrderedDict[_Stamp, Recognizer] = OrderedDict()
        self._summaries: dict[_Stamp, dict[str, Any]] = {}
        if self._chosen is not None:
            self._open(self._chosen)

    @property
    def runs(self) -> Path:
        """The folder whose runs the page offers."""
        return self._runs

    def entries(self) -> dict[str, Entry]:
        """All models by id: shipped ones, runs from new to old, and the one that was named at the start."""
        packaged = [Entry(name, "shipped", find_shipped(name)) for name in shipped()]
        found = {entry.id: entry for entry in packaged}
        for folder in _run_folders(self._runs):
            name = _free(printable(folder.name), found)
            found[name] = Entry(name, "run", folder / FILE_NAME)
        if self._chosen is not None and not any(_same(e.path, self._chosen) for e in found.values()):
            entry = _named(self._chosen, found)
            found[entry.id] = entry
        return found

    def default(self) -> str:
        """The id of the model that is used without one: as `hanmadi.load` chooses."""
        newest = self._chosen
        if newest is None and (run := newest_run(self._runs)):
            newest = run / FILE_NAME
        return next((e.id for e in self.entries().values() if newest and _same(e.path, newest)), DEFAULT_MODEL)

    def entry(self, name: str | None) -> Entry:
        """By its id, the default without one. Raises RefusedError with 404."""
        entries = self.entries()
        name = self.default() if name is None else name
        if name not in entries:
            raise RefusedError(404, f"no model has the id {shown(name)}; GET /api/models lists them")
        return entries[name]

    def id_of_run(self, name: str) -> str | None:
        """The id of the run in a folder of that name; None if there is none (yet)."""
        path = self._runs / name / FILE_NAME
        return next((entry.id for entry in self.entries().values() if entry.path == path), None)

    def opened(self, name: str | None) -> tuple[Entry, Recognizer]:
        """By its id, the default without one. Raises RefusedError: 404 if there is none, 409 if it cannot be read."""
        entry = self.entry(name)
        try:
            return entry, self._open(entry.path)
        except HanmadiError as error:
            raise RefusedError(
                409, f"the model {shown(entry.id)} cannot be read ({_nameless(error, entry)})"
            ) from error

    def listing(self) -> dict[str, Any]:
        """What ``GET /api/models`` answers."""
        models, broken = [], []
        for entry in self.entries().values():
            try:
                models.append({"id": entry.id, "name": entry.id, "kind": entry.kind} | self._summary(entry))
            except HanmadiError as error:
                broken.append({"id": entry.id, "error": _nameless(error, entry)})
        return {"default": self.default(), "models": models, "broken": broken}

    def _summary(self, entry: Entry) -> dict[str, Any]:
        stamp = _stamp(entry.path)
        if stamp not in self._summaries:
            self._summaries[stamp] = summary(self._open(entry.path))
        return self._summaries[stamp] | {"report": entry.report is not None, "bytes": stamp[2]}

    def _open(self, path: Path) -> Recognizer:
        with self._lock:
            stamp = _stamp(path)
            if stamp not in self._opened:
                self._opened[stamp] = load(path)
            self._opened.move_to_end(stamp)
            while len(self._opened) > _KEPT:
                self._opened.popitem(last=False)
            return self._opened[stamp]


def find_shipped(name: str) -> Path:
    """The file of a model that comes with the package, whatever is called so in the working folder."""
    from hanmadi.inference.recognizer import SHIPPED_FOLDER

    return SHIPPED_FOLDER / f"{name}.onnx"


def _run_folders(runs: Path) -> list[Path]:
    return sorted(finished_runs(runs), key=lambda folder: folder.name, reverse=True)


def _named(path: Path, taken: Mapping[str, Entry]) -> Entry:
    kind: Kind = "run" if path.name == FILE_NAME else "file"
    return Entry(_free(printable(path.parent.name if kind == "run" else path.stem), taken), kind, path)


def _free(name: str, taken: Mapping[str, Entry]) -> str:
    while name in taken:
        name = f"{name}'"
    return name


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _stamp(path: Path) -> _Stamp:
    try:
        facts = path.stat()
    except OSError as error:
        raise ModelError(f"{path}: no model file can be read there ({error.strerror})") from error
    return path, facts.st_mtime_ns, facts.st_size


def _nameless(error: Exception, entry: Entry) -> str:
    """An error without the folders of this machine."""
    return str(error).replace(str(entry.path), entry.path.name)
