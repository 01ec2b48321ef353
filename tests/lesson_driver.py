"""Runs a lesson as ``python LESSON`` does, then tries its exercises: what was shown and said, as JSON.

usage: python tests/lesson_driver.py RESULT.json LESSON [options of the lesson]
"""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np

from hanmadi.lessons import toolkit


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def tried(exercise: toolkit.Exercise) -> dict[str, Any]:
    """What the exercise says to its right answer, to each listed wrong one, and to others."""
    right = exercise.right
    others = ["a text", None, *([1e9, -1e9] if toolkit.type_of(right) == "number" else [])]
    return {
        "name": exercise.name,
        "hint": exercise.hint,
        "kind": toolkit.type_of(right),
        "right": repr(plain(right)),
        "open": exercise.feedback(...),
        "to_right": exercise.feedback(right),
        "to_wrong": [(repr(value), message, exercise.feedback(value)) for value, message in exercise.wrong.items()],
        "to_others": [exercise.feedback(other) for other in others],
    }


def main() -> None:
    """Run, then write what happened."""
    result, lesson, *options = sys.argv[1:]
    sys.argv = [lesson, *options]
    runpy.run_path(lesson, run_name="__main__")
    found = {
        "figures": toolkit.FIGURES,
        "sounds": toolkit.SOUNDS,
        "exercises": [tried(exercise) for exercise in toolkit.EXERCISES],
    }
    Path(result).write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
