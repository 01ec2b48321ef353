"""Imports inside hanmadi point only to a lower layer, and importing is light."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import numpy as np
import pytest
import soundfile

import hanmadi
from hanmadi.inference.model_file import FORMAT, write_card

PACKAGE = Path(hanmadi.__file__).parent
# From low to high: packages, and modules at the root. One may import what stands in earlier rows, never what stands
# in its own; within a package, imports make no circle.
ROWS = (
    "errors",
    "files labels",
    "audio",
    "features augment plots",
    "data models card",
    "runs",
    "inference",
    "evaluation",
    "report export",
    "training",
    "lessons web",
    "cli",
    "__main__",
)
LAYER = {package: layer for layer, row in enumerate(ROWS) for package in row.split()}
MOST_ROWS, MOST_AT_THE_ROOT = 16, 12

HEAVY = ("torch", "matplotlib", "onnx", "onnxscript", "rich", "lightning", "pytorch_lightning", "scipy", "librosa")


def modules() -> dict[str, Path]:
    """Every module by its name below hanmadi; a package by the name of its folder."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    del found[""]  # hanmadi itself: a list of names that loads nothing
    return found


MODULES = modules()


def imports(tree: ast.AST) -> set[str]:
    """Modules of hanmadi that are imported anywhere: at the top, in a function, for types alone."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "expected absolute imports"
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return {inside for name in found if (inside := module_of(name))}


def module_of(name: str) -> str | None:
    """``hanmadi.audio.read`` is in ``audio``; None for what is not in a module of hanmadi."""
    parts = name.split(".")
    if parts[0] != "hanmadi":
        return None
    candidates = [".".join(parts[1:end]) for end in range(len(parts), 1, -1)]
    return next((candidate for candidate in candidates if candidate in MODULES), None)


def package_of(module: str) -> str:
    """``audio.noise`` is in ``audio``; a module at the root stands for itself."""
    return module.partition(".")[0]


def test_the_table_names_every_package_once() -> None:
    listed = " ".join(ROWS).split()
    assert len(listed) == len(set(listed))
    packages = set(map(package_of, MODULES))
    assert packages - set(listed) == set(), "not in the table of layers"
    assert set(listed) - packages == set(), "in the table of layers, but gone"


def test_the_house_stays_small() -> None:
    assert len(ROWS) <= MOST_ROWS
    assert len(list(PACKAGE.glob("*.py"))) <= MOST_AT_THE_ROOT


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_point_to_a_lower_layer(module: str) -> None:
    own = package_of(module)
    found = set(map(package_of, imports(ast.parse(MODULES[module].read_text(encoding="utf-8"))))) - {own}
    wrong = {other for other in found if LAYER[other] >= LAYER[own]}
    assert not wrong, f"{module} (layer {LAYER[own]}) imports {sorted(wrong)}"


@pytest.mark.parametrize("package", sorted(set(map(package_of, MODULES))))
def test_imports_within_a_package_make_no_circle(package: str) -> None:
    inside = {name: path for name, path in MODULES.items() if package_of(name) == package}
    graph = {name: imports(ast.parse(path.read_text(encoding="utf-8"))) & set(inside) for name, path in inside.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize(
    ("call", "module"),
    [
        ("soxr.ResampleStream(", "audio.streaming"),
        ("soxr.resample(", "audio.convert"),
        ("soundfile.write(", "audio.io"),
        ("csv.writer(", "files"),
        ("Rng = ", "audio.noise"),
        ("HOP_S: Final", "inference.stream"),
        ("InferenceSession(", "inference.model_file"),
    ],
)
def test_there_is_one_of_each(call: str, module: str) -> None:
    """What two modules did each in a way of its own would differ one day."""
    assert [name for name, path in MODULES.items() if call in path.read_text(encoding="utf-8")] == [module]


def test_the_test_sees_every_kind_of_import() -> None:
    source = """
import hanmadi.audio
from hanmadi import labels, __version__
from hanmadi.data.sources import open_source
from hanmadi.models.course import CourseNet
import numpy
if TYPE_CHECKING:
    from hanmadi.training.loop import Epoch
def late():
    from hanmadi.cli import main
"""
    assert imports(ast.parse(source)) == {"audio", "labels", "data.sources", "models.course", "training.loop", "cli"}


def run(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_hanmadi_loads_nothing_heavy() -> None:
    heavy = (*HEAVY, "numpy", "onnxruntime", "soundfile", "soxr", "click")
    loaded = run("import sys, hanmadi; print(*sys.modules)").split()
    assert not set(heavy) & set(loaded)


def test_the_command_loads_no_more_than_its_options_need() -> None:
    slow = (*HEAVY, "onnxruntime", "soundfile", "soxr", "importlib.metadata", "starlette", "sounddevice", "asyncio")
    code = "import sys; from hanmadi.cli import run; run(['--version']); print(*sys.modules)"
    assert not set(slow) & set(run(code).split())


def write_model(path: Path) -> None:
    """The smallest model file: the sum of 160 samples decides, without any training."""
    onnx = pytest.importorskip("onnx")
    make = onnx.helper
    weights = onnx.numpy_helper.from_array(np.eye(160, 2, dtype=np.float32), "weights")
    shapes = [make.make_tensor_value_info(name, 1, ["batch", n]) for name, n in (("samples", 160), ("scores", 2))]
    nodes = [
        make.make_node("MatMul", ["samples", "weights"], ["logits"]),
        make.make_node("Softmax", ["logits"], ["scores"], axis=-1),
    ]
    graph = make.make_graph(nodes, "tiny", shapes[:1], shapes[1:], [weights])
    onnx.save(make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8), str(path))
    write_card(path, {"format": FORMAT, "labels": ["yes", "no"], "sample_rate": 16_000, "clip_samples": 160})


def test_recognising_and_info_work_where_only_the_base_is_installed(tmp_path: Path) -> None:
    """Heavy packages are made impossible to import, as on a machine without the extras."""
    soundfile.write(tmp_path / "a.wav", np.sin(np.arange(8_000) / 9), 8_000)
    write_model(tmp_path / "tiny.onnx")
    for word in ("yes", "no"):
        (tmp_path / "words" / word).mkdir(parents=True)
        soundfile.write(tmp_path / "words" / word / "ann_nohash_0.wav", np.sin(np.arange(160) / 9), 16_000)
    code = f"""
import sys
for name in {HEAVY!r}:
    sys.modules[name] = None
import numpy
import hanmadi
from hanmadi.cli import run
sound, model, words = sys.argv[1:]
assert run(["info", sound, model]) == 0
assert run(["predict", sound, "--model", model]) == 0
assert run(["evaluate", "--model", model, "--data", words, "--split", "all"]) == 0
assert run(["listen", sound, "--model", model, "--hop-ms", "5"]) == 0
found = hanmadi.load(model).predict(numpy.eye(1, 160, dtype="float32")[0], sample_rate=16_000)
print("heard", found.label, round(found.score, 3))
"""
    printed = run(code, *(str(tmp_path / name) for name in ("a.wav", "tiny.onnx", "words")))
    assert "8000" in printed.replace(",", "").replace(" ", "")
    assert "heard yes 0.731" in printed  # 1 / (1 + 1/e)
