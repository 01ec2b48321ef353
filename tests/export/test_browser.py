"""The page as a folder: what is in it, and what is refused. How it works in a browser: web/test_browser.py."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from hanmadi.data.store import cache_folder
from hanmadi.errors import DataError, DownloadError, ModelError
from hanmadi.export import browser as static_export
from hanmadi.export.browser import browser_page, export_web, model_card, runtime_files

CONTENT = {name: f"what {name} holds".encode() for name in static_export.FILES}


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with three small files that pass for onnxruntime-web's."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}
    monkeypatch.setattr(static_export, "FILES", hashes)
    folder = tmp_path / "ort"
    folder.mkdir()
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANMADI_CACHE", str(tmp_path / "cache"))


def fake_npm(monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], *, code: int = 0) -> list[list[str]]:
    """An npm that packs these files, and the commands it was given."""
    asked: list[list[str]] = []

    def run(command: list[str], *, cwd: Path, **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        with tarfile.open(cwd / "package.tgz", "w:gz") as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(f"package/dist/{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return subprocess.CompletedProcess(command, code, "", "npm error network down\n")

    monkeypatch.setattr(static_export.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(static_export.subprocess, "run", run)
    return asked


def test_the_folder_holds_the_page_the_model_and_the_runtime(runtime: Path, tmp_path: Path) -> None:
    out = export_web("tiny", tmp_path / "site", runtime=runtime)
    assert out == tmp_path / "site"
    for name, content in CONTENT.items():
        assert (out / "static" / "ort" / name).read_bytes() == content
    card = json.loads((out / "static" / "model" / "model.json").read_text())
    assert card["id"] == "tiny"
    assert card["labels"][:2] == ["yes", "no"]
    assert {"smoothing_s", "threshold", "thresholds", "refractory_s"} <= set(card["decisions"])
    model = (out / "static" / "model" / "model.onnx").read_bytes()
    assert len(model) == card["bytes"] > 100_000
    for name in re.findall(r'(?:src|href)="(static/[^"]+)"', (out / "index.html").read_text()):
        assert (out / name).is_file(), name


def test_every_module_that_is_imported_is_there(runtime: Path, tmp_path: Path) -> None:
    scripts = export_web("tiny", tmp_path / "site", runtime=runtime) / "static" / "js"
    for script in scripts.glob("*.js"):
        for name in re.findall(r"""(?:from|import\()\s*"\./([\w.-]+)\"""", script.read_text()):
            assert (scripts / name).is_file(), f"{script.name} imports {name}"


def test_the_page_is_told_to_recognise_by_itself_and_to_reach_nobody() -> None:
    page = static_export._STATIC / "index.html"
    text = browser_page(page)
    assert 'data-mode="browser"' in text
    assert "default-src 'none'" in text
    assert "connect-src 'self'" in text
    assert "server.js" not in text
    elsewhere = re.findall(r'(?:src|href)="((?:/|https?:)[^"]*)"', text)
    assert elsewhere == ["https://arxiv.org/abs/1804.03209"], "only relative addresses work on a sub-path"


def test_a_page_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<html>")
    with pytest.raises(DataError, match="reinstall"):
        browser_page(tmp_path / "index.html")


def test_it_replaces_an_export_but_no_other_folder(runtime: Path, tmp_path: Path) -> None:
    out = export_web("tiny", tmp_path / "site", runtime=runtime)
    (out / "old").write_text("of the export before")
    assert not (export_web("small", out, runtime=runtime) / "old").exists()
    assert json.loads((out / "static" / "model" / "model.json").read_text())["id"] == "small"
    other = tmp_path / "photos"
    other.mkdir()
    (other / "a.jpg").write_bytes(b"mine")
    with pytest.raises(DataError, match="other files"):
        export_web("tiny", other, runtime=runtime)
    assert (other / "a.jpg").read_bytes() == b"mine"


def test_a_model_that_is_not_there_writes_nothing(runtime: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        export_web(tmp_path / "none.onnx", tmp_path / "site", runtime=runtime)
    assert not (tmp_path / "site").exists()


def test_a_runtime_that_is_not_the_pinned_one_is_refused(runtime: Path, tmp_path: Path) -> None:
    (runtime / "ort.wasm.min.mjs").write_bytes(b"something else")
    with pytest.raises(DownloadError, match="not the file"):
        export_web("tiny", tmp_path / "site", runtime=runtime)
    (runtime / "ort.wasm.min.mjs").unlink()
    with pytest.raises(DownloadError, match="cannot be read"):
        runtime_files(runtime)


@pytest.mark.usefixtures("no_cache")
def test_npm_is_asked_once_for_the_pinned_version(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = fake_npm(monkeypatch, CONTENT)
    assert runtime_files() == CONTENT
    assert runtime_files() == CONTENT
    assert [command[1:3] for command in asked] == [["pack", f"onnxruntime-web@{static_export.VERSION}"]]
    assert sorted(path.name for path in (cache_folder() / "onnxruntime-web-1.30.0").iterdir()) == sorted(CONTENT)


@pytest.mark.usefixtures("no_cache")
def test_what_npm_brings_is_checked(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_npm(monkeypatch, CONTENT | {"ort.wasm.min.mjs": b"tampered with"})
    with pytest.raises(DownloadError, match="not the file"):
        runtime_files()
    fake_npm(monkeypatch, {"other.js": b""})
    for path in (cache_folder() / "onnxruntime-web-1.30.0").iterdir():
        path.unlink()
    with pytest.raises(DownloadError, match="holds no"):
        runtime_files()


@pytest.mark.usefixtures("no_cache", "runtime")
def test_without_npm_or_a_connection_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_npm(monkeypatch, {}, code=1)
    with pytest.raises(DownloadError, match="network down"):
        runtime_files()
    monkeypatch.setattr(static_export.shutil, "which", lambda _: None)
    with pytest.raises(DownloadError, match="needs npm"):
        runtime_files()


def test_the_card_of_a_run_is_named_after_its_folder(tmp_path: Path) -> None:
    from hanmadi.inference.recognizer import SHIPPED_FOLDER, load

    run = tmp_path / "my_run"
    run.mkdir()
    (run / "model.onnx").write_bytes((SHIPPED_FOLDER / "tiny.onnx").read_bytes())
    named = load(run).card.get("name")
    assert model_card(load(run))["id"] == (named or "my_run")
