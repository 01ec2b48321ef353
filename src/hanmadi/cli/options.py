"""Options that several commands have, and what makes an option without effect an error."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

import click
from click.core import ParameterSource

DONE, SOME_FAILED, WRONG_CALL = 0, 1, 2  # exit codes


class Words(click.ParamType[tuple[str, ...]]):
    """A parameter of words separated by commas, such as yes,no."""

    name = "WORD,WORD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """The words of a text, spaces around them removed."""
        return value if isinstance(value, tuple) else tuple(word.strip() for word in str(value).split(","))


class Number(click.FloatRange):
    """A number within limits; infinity, and what is none, are within no limits."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number of a text."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a number in {self._describe_range()}.", param, ctx)
        return number


DECIBELS: Final = Number(-100, 100)
SEED: Final = click.IntRange(0, 2**63 - 1)


class Renamed(click.Option):
    """An option whose first name is in the help; its other names are older and still work."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The line of the help, without the former names of the option."""
        names, self.opts = self.opts, self.opts[:1]
        try:
            return super().get_help_record(ctx)
        finally:
            self.opts = names


data_option: Final = click.option("--data", metavar="SRC", help="Folder <word>/*.wav|flac|ogg|mp3, or a course .npz.")
recordings_option: Final = click.option("--data", metavar="SRC", help="Recordings; those of the training otherwise.")
model_option: Final = click.option(
    "--model", metavar="M", help="Run folder, model file or shipped name; the newest run otherwise."
)
background_option: Final = click.option(
    "--background", "backgrounds", multiple=True, metavar="PATH",
    help="Recording, or folder of them, in which none of the words is said; repeatable.",
)  # fmt: skip
json_option: Final = click.option("--json", "as_json", is_flag=True, help="Results as JSON on standard output.")
words_option: Final = click.option("--words", type=Words(), help="Words to recognise, such as yes,no,stop.")


def refuse(context: click.Context, names: Iterable[str], why: str) -> None:
    """Raises UsageError if one of these options was given where it would have no effect."""
    for option in context.command.params:
        if option.name in names and context.get_parameter_source(option.name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{max(option.opts, key=len)} {why}", context)


def refuse_others(context: click.Context, *names: str, why: str) -> None:
    """Raises UsageError if another option than these was given."""
    refuse(context, {str(option.name) for option in context.command.params} - {*names}, why)
