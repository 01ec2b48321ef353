"""The page as a folder that any file server can give: the model runs in the browser, and no sound leaves it.

index.html            the page, which says so
static/js, css, ...   the same modules as those of `hanmadi serve`
static/model/         model.onnx and its card, model.json
static/ort/           onnxruntime-web: three files of its npm package, checked by their SHA-256
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any, Final

from hanmadi.data.store import cache_folder
from hanmadi.errors import DataError, DownloadError
from hanmadi.files import replacing_folder, write_bytes
from hanmadi.inference.recognizer import Recognizer, load
from hanmadi.inference.summary import summary
from hanmadi.runs import FILE_NAME

PACKAGE: Final = "onnxruntime-web"
VERSION: Final = "1.30.0"
# taken out of `npm pack onnxruntime-web@1.30.0`, folder dist: the WebAssembly-only build, its loader, its code
FILES: Final = {
    "ort.wasm.min.mjs": "219e6a1fc8a9938268d18efca3c91d310bd2f4a59bbd13744df5b2b7fc6cee3b",
    "ort-wasm-simd-threaded.mjs": "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
_STATIC: Final = Path(__file__).parents[1] / "web" / "static"
_MOST_BYTES: Final = 32_000_000  # of one file
_PACK_S: Final = 600  # the package has 33 MB
# a plain file server sends no policy, so the page brings its own: nothing may be loaded from or sent elsewhere
_POLICY: Final = (
    '<meta http-equiv="Content-Security-Policy" content="'
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'\">"
)


def export_web(
    model: str | os.PathLike[str] | None, out: str | os.PathLike[str], *, runtime: str | os.PathLike[str] | None = None
) -> Path:
    """Write the page with a model into the folder ``out``, which is replaced; returns it.

    model: as `hanmadi.load` takes it; runtime: a folder with the three files of onnxruntime-web, otherwise they
    are fetched with npm once and kept in the cache. Raises DataError if ``out`` is not empty and no such page,
    DownloadError without npm or if the files are not the right ones, ModelError as `hanmadi.load`.
    """
    out = Path(out)
    recognizer = load(model)
    _check_target(out)
    files = runtime_files(Path(runtime) if runtime is not None else None)
    with replacing_folder(out, may_replace=_is_ours) as folder:
        shutil.copytree(_STATIC, folder / "static", ignore=shutil.ignore_patterns("index.html", ".*"))
        (folder / "index.html").write_text(browser_page(_STATIC / "index.html"), encoding="utf-8")
        _write_model(recognizer, folder / "static" / "model")
        (folder / "static" / "ort").mkdir()
        for name, content in files.items():
            (folder / "static" / "ort" / name).write_bytes(content)
    return out


def browser_page(page: Path) -> str:
    """The page's HTML with recognition in the browser and its own content security policy."""
    text = page.read_text(encoding="utf-8")
    changes = {
        'data-mode="server"': 'data-mode="browser"',
        '<meta charset="utf-8">': f'<meta charset="utf-8">\n{_POLICY}',
        "static/js/server.js": "static/js/browser.js",
    }  # fmt: skip
    for old, new in changes.items():
        if text.count(old) != 1:
            raise DataError(f"{page}: expected {old} once; reinstall hanmadi")
        text = text.replace(old, new)
    return text


def model_card(recognizer: Recognizer) -> dict[str, Any]:
    """What the page needs to know of a model, as ``GET /api/models`` tells it."""
    path = recognizer.path
    name = recognizer.about.name or (path.parent.name if path.name == FILE_NAME else path.stem)
    facts = {"id": name, "name": name, "kind": "file", "bytes": path.stat().st_size, "report": False}
    return facts | summary(recognizer)


def runtime_files(folder: Path | None = None) -> dict[str, bytes]:
    """The three files of onnxruntime-web: of a folder, of the cache, or fetched with npm and cached.

    Raises DownloadError if there is no npm, it fails, or a file is not the right one.
    """
    if folder is not None:
        return {name: _checked(folder / name) for name in FILES}
    cache = cache_folder() / f"{PACKAGE}-{VERSION}"
    if not all((cache / name).is_file() for name in FILES):
        _fetch(cache)
    return {name: _checked(cache / name) for name in FILES}


def _check_target(out: Path) -> None:
    """Only what is ours is replaced."""
    if out.exists() and not (out.is_dir() and _is_ours(out)):
        raise DataError(f"{out}: expected a folder that is empty or not there, found other files; choose another")


def _is_ours(folder: Path) -> bool:
    """Whether a folder is empty or such a page."""
    page = (folder / "index.html").is_file() and (folder / "static" / "model").is_dir()
    return page or not any(folder.iterdir())


def _write_model(recognizer: Recognizer, folder: Path) -> None:
    folder.mkdir()
    shutil.copyfile(recognizer.path, folder / FILE_NAME)
    card = json.dumps(model_card(recognizer), ensure_ascii=False, indent=1)
    (folder / "model.json").write_text(card + "\n", encoding="utf-8")


def _checked(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DownloadError(
            f"{path}: cannot be read ({error.strerror}); expected {', '.join(FILES)} of {PACKAGE} {VERSION}"
        ) from error
    if hashlib.sha256(content).hexdigest() != FILES[path.name]:
        raise DownloadError(f"{path}: not the file of {PACKAGE} {VERSION}; remove it and export again")
    return content


def _fetch(cache: Path) -> None:
    """Ask npm for the package, and keep three of its files."""
    npm = shutil.which("npm")
    if npm is None:
        raise DownloadError(
            f"fetching {PACKAGE} {VERSION} needs npm, which is not here; install Node.js, or give a folder "
            f"with its files {', '.join(FILES)}"
        )
    with tempfile.TemporaryDirectory(prefix="hanmadi-") as folder:
        _pack(npm, Path(folder))
        for name, content in _unpacked(next(Path(folder).glob("*.tgz"))).items():
            write_bytes(cache / name, content)


def _pack(npm: str, folder: Path) -> None:
    try:
        done = subprocess.run(
            [npm, "pack", f"{PACKAGE}@{VERSION}", "--silent"], cwd=folder, capture_output=True, text=True,
            timeout=_PACK_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise DownloadError(f"npm did not fetch {PACKAGE} {VERSION} in {_PACK_S} s; try again") from error
    if done.returncode != 0 or not any(folder.glob("*.tgz")):
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1][:200]
        raise DownloadError(f"npm could not fetch {PACKAGE} {VERSION} ({reason}); is there a connection?")


def _unpacked(archive: Path) -> dict[str, bytes]:
    """The three files, each no larger than is sensible; nothing is written by the archive's own names."""
    found = {}
    with tarfile.open(archive) as opened:
        for name in FILES:
            try:
                member = opened.getmember(f"package/dist/{name}")
            except KeyError as error:
                raise DownloadError(f"{PACKAGE} {VERSION}: the package holds no {name}; update hanmadi") from error
            stream = opened.extractfile(member) if member.isfile() and member.size <= _MOST_BYTES else None
            if stream is None:
                raise DownloadError(f"{PACKAGE} {VERSION}: {name} is not a file of a sensible size")
            found[name] = stream.read()
    return found
