"""The example sounds of the page, by a list that lies beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from hanmadi.web.limits import RefusedError
from hanmadi.web.query import shown

STATIC: Final = Path(__file__).parent / "static"
LIST: Final = "examples/examples.json"


def listing(static: Path = STATIC) -> list[dict[str, Any]]:
    """Every example, with the name of its file; none without the list."""
    path = static / LIST
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return found


def public(static: Path = STATIC) -> list[dict[str, Any]]:
    """What ``GET /api/examples`` answers."""
    return [{key: value for key, value in example.items() if key != "file"} for example in listing(static)]


def find(name: str, static: Path = STATIC) -> Path:
    """The file of an example by its id. Raises RefusedError with 404."""
    for example in listing(static):
        if example["id"] == name:
            return (static / LIST).parent / example["file"]
    raise RefusedError(404, f"no example has the id {shown(name)}; GET /api/examples lists them")
