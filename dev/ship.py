"""Train the models that are shipped with the package, choose their thresholds, put them into src/hanmadi/shipped/.

    python dev/ship.py ../shared/data/speech_commands runs/shipped [teachers small base tiny small_8k]

The teachers are not shipped: what they answer together, in noise better than each alone, the networks at 16 kHz learn.
A run that is complete is not trained again, one that was stopped goes on. Training sees training clips, choices are
made on validation clips, and the test split is judged once, when a run ends. Thresholds for listening are chosen on
one half of the speakers of ``continuous_speech`` (see live_halves.py).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from live_halves import CHOOSING, half

from hanmadi.cli.training import training_display
from hanmadi.data.store import SPLITS
from hanmadi.evaluation import calibration
from hanmadi.evaluation.evaluation import evaluate
from hanmadi.files import write_bytes
from hanmadi.inference import model_file
from hanmadi.inference.recognizer import SHIPPED_FOLDER, Recognizer, load
from hanmadi.models.registry import architecture, register
from hanmadi.runs import CARD, FILE_NAME, SETTINGS
from hanmadi.training import train as training

LICENCE = "CC BY 4.0"
ATTRIBUTION = "Google Speech Commands v0.02, Pete Warden, arXiv 1804.03209; a part of its clips, unaltered"
LIMITS = (
    "English words, said alone, one second at a time; other languages and accents than those of the recordings "
    "were not measured.",
    "Trained on 170 to 220 clips each of on, off and stop and 650 to 700 of each other word: those three are weak.",
    "Words that sound like a keyword may be taken for it. Thresholds for listening were chosen on 0.39 h of read "
    "English; choose your own on recordings of your room with: hanmadi calibrate.",
)
MAX_FA_PER_HOUR = 3.0  # of read speech without a pause: one alarm in the recordings that thresholds are chosen on
EPOCHS = {"small": 120, "base": 80, "tiny": 120, "small_8k": 50}
TAUGHT = ("small", "base", "tiny")  # those that hear what the teachers hear
# networks like base that teach together: different seeds, and clips altered differently, so that they err differently
TEACHING = "teachers"
TEACHER_EPOCHS = 50
TEACHERS: dict[str, tuple[int, dict[str, int]]] = {  # run: seed, what its augmentation has that base's has not
    "teacher-0": (0, {}),
    "teacher-1": (1, {"noises": 200}),
    "teacher-2": (2, {"noises": 200, "masked_mels": 2, "masked_frames": 3}),
    "teacher-3": (3, {"noises": 200}),
}


def main() -> None:
    data, runs, *names = sys.argv[1:]
    for name in names or [TEACHING, *EPOCHS]:
        if name == TEACHING:
            _train_teachers(data, Path(runs))
        else:
            teachers = [Path(runs) / teacher for teacher in TEACHERS] if name in TAUGHT else []
            _train(data, Path(runs) / name, arch=name, epochs=EPOCHS[name], teachers=teachers)
            _ship(name, data, Path(runs) / name)


def _train(data: str, folder: Path, **how: Any) -> None:
    if (folder / CARD).exists():
        return
    with training_display() as hooks:
        if (folder / SETTINGS).exists():
            training.resume(folder, hooks=hooks)
        else:
            training.train(data, out=folder, hooks=hooks, **how)


def _train_teachers(data: str, runs: Path) -> None:
    base = architecture("base")
    for name, (seed, changed) in TEACHERS.items():
        altered = replace(base.recipe.augmentation, **changed)
        register(replace(base, name=name, recipe=replace(base.recipe, augmentation=altered)))
        _train(data, runs / name, arch=name, epochs=TEACHER_EPOCHS, seed=seed)


def _ship(name: str, data: str, folder: Path) -> None:
    card = dict(load(folder).card)
    card["name"] = name
    card["data"] |= {"source": "Speech Commands (part)", "licence": LICENCE, "attribution": ATTRIBUTION}
    card["limits"] = list(LIMITS)
    if name in TAUGHT:
        card["training"]["teachers_by"] = f"python dev/ship.py {data} {folder.parent} {TEACHING}"
    official = Path(data).with_name("speech_commands_test_set")
    if official.is_dir():
        found = evaluate(folder, official).to_dict()
        card["metrics"]["official_test_layout"] = {
            key: found[key] for key in ("clips", "accuracy", "interval", "per_label")
        }
    target = SHIPPED_FOLDER / f"{name}.onnx"
    write_bytes(target, (folder / FILE_NAME).read_bytes())
    model_file.write_card(target, card)
    found = _calibrated(load(target), data)
    calibration.store(found, load(target), target)
    splits = {split: card["metrics"][split]["accuracy"] for split in reversed(SPLITS)}
    print(f"{target}: {target.stat().st_size / 1e6:.2f} MB, {splits}")


def _calibrated(recognizer: Recognizer, data: str) -> calibration.Calibration:
    """One threshold for all words: 0.39 h of speech has too few alarms of a word to choose one for each."""
    with half(Path(data).parent, CHOOSING) as folders:
        return calibration.calibrate(recognizer, [folders.speech], max_fa_per_hour=MAX_FA_PER_HOUR)


if __name__ == "__main__":
    main()
