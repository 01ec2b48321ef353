"""The files of the page. What a request names is looked up in a listing of the folder, never joined to a path."""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

# systems differ, and a browser refuses a script or a WebAssembly module of another type
for _suffix, _type in {
    ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".wasm": "application/wasm",
    ".svg": "image/svg+xml", ".webmanifest": "application/manifest+json", ".flac": "audio/flac", ".ogg": "audio/ogg",
    ".onnx": "application/octet-stream", ".woff2": "font/woff2",
}.items():  # fmt: skip
    mimetypes.add_type(_type, _suffix)


class ListedFiles(StaticFiles):
    """Starlette's answers (ETag, 304, ranges) for the files of one folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, check_dir=False)
        self._folder = folder
        self._listed: dict[str, Path] = {}

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """The file of that name in the folder, or none."""
        name = path.replace(os.sep, "/")
        if name not in self._listed:
            self._listed = listed(self._folder)
        found = self._listed.get(name)
        try:
            return (str(found), found.stat()) if found else ("", None)
        except OSError:  # it was taken away meanwhile
            return "", None

    async def get_response(self, path: str, scope: Scope) -> Response:
        """As it is, and asked for again each time: an update of the package must show."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def listed(folder: Path) -> dict[str, Path]:
    """Plain files below a folder by their names, with ``/``; hidden ones and Python's are left out."""
    found = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    names = {path.relative_to(folder).as_posix(): path for path in found}
    return {name: path for name, path in names.items() if not any(part.startswith(".") for part in name.split("/"))}
