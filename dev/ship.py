"""Train the models that are shipped with the package, choose their thresholds, put them into src/hanmadi/shipped/.

    python dev/ship.py SHARED DATA NEGATIVES RUNS [teachers small base tiny small_8k]

DATA is what `dev/training_data.py` made: Speech Commands and keywords cut out of transcribed speech; NEGATIVES a folder
of recordings without keywords: LibriSpeech dev-clean as its `without_keywords.txt` lists it, and spoken orders. Two
networks like ``base`` start from the speech encoder with different seeds and are the teachers; what they answer
together, in noise better than each alone, the networks at 16 kHz learn. A run that is complete is not trained again,
one that was stopped goes on. Training sees training clips, choices are made on validation clips, and the test split is
judged once, when a run ends. Thresholds for listening are chosen on one half of the speakers of ``continuous_speech``
and of the kinds of ``environment_noise`` below SHARED (see live_halves.py).
"""

from __future__ import annotations

import sys
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
from hanmadi.runs import CARD, FILE_NAME, SETTINGS
from hanmadi.training import train as training

LICENCE = "CC BY 4.0"
ATTRIBUTION = (
    "Google Speech Commands v0.02, Pete Warden, arXiv 1804.03209, a part of its clips; words and speech of LibriSpeech "
    "dev-clean, Panayotov et al. 2015 (CC BY 4.0); spoken orders of Picovoice's speech-to-intent benchmark (Apache-2.0)"
)
LIMITS = (
    "English words, said alone; other languages and accents than those of the recordings were not measured.",
    "Trained on 213 clips of off and 439 of on, most of them cut out of running speech, and 950 or more of each other "
    "word: those two are the weakest.",
    "Words that sound like a keyword may be taken for it. Thresholds for listening were chosen on 0.53 h of read "
    "English and noise; choose your own on recordings of your room with: hanmadi calibrate.",
)
MAX_FA_PER_HOUR = 10.0  # expected, of read speech without a pause and of five kinds of noise: five in 0.53 h
CALIBRATION_WORDS = 300  # validation clips that are mixed in to count hits
EPOCHS = {"small": 60, "base": None, "tiny": 60, "small_8k": 50}  # None: as the recipe says, from the encoder
TAUGHT = ("small", "base", "tiny")  # those that hear what the teachers hear
TEACHING = "teachers"
TEACHERS = {"teacher-0": 0, "teacher-1": 1}  # run: seed
SEEDS = {"base": 2}


def main() -> None:
    shared, data, negatives, runs, *names = sys.argv[1:]
    folder = Path(runs)
    for name in names or [TEACHING, *EPOCHS]:
        if name == TEACHING:
            for teacher, seed in TEACHERS.items():
                _train(data, negatives, folder / teacher, arch="base", seed=seed)
        else:
            teachers = [folder / teacher for teacher in TEACHERS] if name in TAUGHT else []
            how = {"arch": name, "epochs": EPOCHS[name], "teachers": teachers, "seed": SEEDS.get(name, 0)}
            _train(data, negatives, folder / name, **how)
            _ship(name, Path(shared), folder / name)


def _train(data: str, negatives: str, folder: Path, **how: Any) -> None:
    if (folder / CARD).exists():
        return
    with training_display() as hooks:
        if (folder / SETTINGS).exists():
            training.resume(folder, hooks=hooks)
        else:
            training.train(data, negatives=[negatives], out=folder, hooks=hooks, **how)


def _public(value: Any) -> Any:
    """A card without the folders of the machine that trained: of a path its last part."""
    if isinstance(value, dict):
        return {key: _public(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_public(part) for part in value]
    if isinstance(value, str) and "/" in value and not value.startswith("http"):
        return " ".join(Path(part).name if part.startswith("/") else part for part in value.split(" "))
    return value


def _ship(name: str, shared: Path, folder: Path) -> None:
    card = _public(load(folder).card)
    card["name"] = name
    source = "Speech Commands (part), words cut out of LibriSpeech dev-clean"
    card["data"] |= {"source": source, "licence": LICENCE, "attribution": ATTRIBUTION}
    card["limits"] = list(LIMITS)
    if name in TAUGHT:
        card["training"]["teachers_by"] = f"python dev/ship.py SHARED DATA NEGATIVES RUNS {TEACHING}"
    official = evaluate(folder, shared / "speech_commands_test_set").to_dict()
    told = ("clips", "accuracy", "interval", "per_label")
    card["metrics"]["official_test_layout"] = {key: official[key] for key in told}
    target = SHIPPED_FOLDER / f"{name}.onnx"
    write_bytes(target, (folder / FILE_NAME).read_bytes())
    model_file.write_card(target, card)
    found = _calibrated(load(target), shared)
    calibration.store(found, load(target), target)
    splits = {split: card["metrics"][split]["accuracy"] for split in reversed(SPLITS)}
    print(f"{target}: {target.stat().st_size / 1e6:.2f} MB, {splits}")


def _calibrated(recognizer: Recognizer, shared: Path) -> calibration.Calibration:
    """A threshold for each word: barks and crows are taken for few words, and those alone need a strict one."""
    with half(shared, CHOOSING) as folders:
        return calibration.calibrate(
            recognizer, [folders.speech, folders.noise], data=shared / "speech_commands", clips=CALIBRATION_WORDS,
            max_fa_per_hour=MAX_FA_PER_HOUR,
        )  # fmt: skip


if __name__ == "__main__":
    main()
