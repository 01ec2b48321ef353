"""An option that has no effect is an error: this table knows every option of every command."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from hanmadi import cli
from hanmadi.cli import commands

# (command, option): a call in which it would do nothing, without the option; those that always do something: None
_MODEL = {"model": None}
EFFECT: dict[str, dict[str, str | None]] = {
    "info": {"plot": "info", "as_json": None},
    "data get": {"out": "data get"},
    "data synth": dict.fromkeys(("words", "out", "clips_per_word", "language", "seed")),
    "data check": {"as_json": None},
    "data export": dict.fromkeys(("to", "out", "words", "sample_rate")),
    "train": dict.fromkeys(("list_archs", "go_on", "out", "epochs", "minutes"))
    | dict.fromkeys(
        ("data", "arch", "words", "seed", "split", "holdout", "validation", "hard_negatives", "negatives", "teachers",
         "pretrained"),
        "train --resume",
    ),
    "evaluate": _MODEL
    | dict.fromkeys(("data", "split", "stream", "as_json"))
    | dict.fromkeys(("backgrounds", "snr_db", "clips", "seed", "out"), "evaluate"),
    "calibrate": _MODEL
    | dict.fromkeys(("backgrounds", "max_fa_per_hour", "data", "smoothing_s", "out", "as_json"))
    | dict.fromkeys(("plant_in", "split", "snr_db", "clips", "seed"), "calibrate --background x"),
    "export": _MODEL | dict.fromkeys(("to", "out", "data", "as_json")),
    "mine": _MODEL | dict.fromkeys(("out", "threshold")),
    "predict": _MODEL | dict.fromkeys(("top", "as_json")),
    "listen": _MODEL
    | dict.fromkeys(("list_devices", "jsonl", "on", "threshold", "hop_ms"))
    | {"realtime": "listen -", "rate": "listen x.wav", "device": "listen x.wav"},
    "serve": _MODEL | dict.fromkeys(("host", "port", "data", "runs", "origins", "browse")),
    "try": _MODEL | dict.fromkeys(("data", "seed", "plot", "play")),
    "compare": dict.fromkeys(("data", "archs", "words", "epochs", "minutes", "seed", "split", "out")),
}  # fmt: skip
LISTS = {"train": "--list", "listen": "--list-devices"}  # with these nothing else has an effect
VALUES = {"split": "auto", "on": "yes=true", "to": "c", "words": "yes,no", "holdout": "0.1", "epochs": "2"}


def every_command(group: click.Group = commands.cli, before: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from every_command(command, f"{before}{name} ")
        else:
            yield before + name, command


COMMANDS = dict(every_command())
USELESS = [
    (call, COMMANDS[name], option)
    for name, options in EFFECT.items()
    for option, call in options.items()
    if call is not None
] + [
    (f"{name} {listing}", COMMANDS[name], str(option.name))
    for name, listing in LISTS.items()
    for option in COMMANDS[name].params
    if isinstance(option, click.Option) and listing not in option.opts
]


def test_the_table_knows_every_option() -> None:
    for name, command in COMMANDS.items():
        options = {str(option.name) for option in command.params if isinstance(option, click.Option)}
        assert set(EFFECT[name]) == options, name
    assert set(EFFECT) == set(COMMANDS)


@pytest.mark.parametrize(("call", "command", "option"), USELESS, ids=str)
def test_an_option_without_effect(
    call: str, command: click.Command, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Even with the value that it has when it is not given."""
    (found,) = (param for param in command.params if param.name == option)
    assert isinstance(found, click.Option)
    name = max(found.opts, key=len)
    value = [] if found.is_flag else [VALUES.get(option, "1")]
    assert cli.run([*call.split(), name, *value]) == 2
    assert name in capsys.readouterr().err.split("Error:")[1]


@pytest.mark.parametrize(
    ("name", "option", "call"),
    [
        ("train", "negatives", "--negatives tv.wav --talk radio.wav"),
        ("calibrate", "plant_in", "--mix-into tv.wav --plant-in radio.wav"),
    ],
)
def test_old_names_of_options_still_work_and_are_not_shown(name: str, option: str, call: str) -> None:
    command, (new, _, old, _) = COMMANDS[name], call.split()
    context = command.make_context(name, call.split())
    assert context.params[option] == ("tv.wav", "radio.wav")
    assert new in command.get_help(context)
    assert old not in command.get_help(context)
    with pytest.raises(click.UsageError, match=f"{new} .*requires an argument|{old}.*requires an argument"):
        command.make_context(name, [old])


def test_a_recording_beside_the_list_of_microphones(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["listen", "--list-devices", "x.wav"]) == 2
    assert "source has no effect" in capsys.readouterr().err


@pytest.mark.parametrize(
    "call",
    ["train --minutes nan", "train --minutes inf", "train --seed 99999999999999999999", "train --holdout nan",
     "calibrate --max-fa-per-hour inf", "calibrate --smoothing 1e9", "evaluate --snr nan", "evaluate --snr -1e9",
     "listen --hop-ms inf", "listen --threshold nan", "data synth --clips-per-word 999999999999"],
)  # fmt: skip
def test_numbers_without_bound_are_refused(call: str) -> None:
    name, _, rest = call.partition(" --")
    with pytest.raises(click.BadParameter):
        COMMANDS[name].make_context(name, [f"--{part}" for part in [rest.split()[0]]] + rest.split()[1:])
