"""The command ``hanmadi``: its commands together, and what becomes of errors."""

from __future__ import annotations

import errno
import importlib
import io
import sys
import warnings
from collections.abc import Sequence
from typing import Final

import click

from hanmadi import __version__
from hanmadi.cli.options import DONE, SOME_FAILED, WRONG_CALL
from hanmadi.cli.output import one_line, say
from hanmadi.errors import HanmadiError

# where each command is; a module is read when one of its commands is called, so that predict answers at once
_COMMANDS: Final = {
    "info": "info:info",
    "data": "data:data",
    "train": "training:train",
    "evaluate": "models:evaluate",
    "calibrate": "live:calibrate",
    "export": "models:export_model",
    "mine": "live:mine",
    "predict": "models:predict",
    "listen": "live:listen",
    "serve": "models:serve",
    "try": "models:try_clip",
    "compare": "training:compare",
}


class Commands(click.Group):
    """The group of all commands, each read from its module when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands, in alphabetical order."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(f"hanmadi.cli.{module}"), name)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hanmadi")
def cli() -> None:
    """Recognise single spoken words: train, evaluate and use a recogniser of your own."""


def main() -> None:
    """Run the command; errors made on purpose become one line and exit code 2."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the command with these arguments; returns the exit code."""
    with warnings.catch_warnings():  # how they are shown is the caller's again afterwards
        warnings.showwarning = lambda message, *_, **__: say(f"warning: {one_line(message)}")
        return _run(arguments)


def _run(arguments: Sequence[str]) -> int:
    try:
        code = cli.main(list(arguments), prog_name="hanmadi", standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.Abort:
        say("stopped")
        return 130
    except click.ClickException as error:
        text = io.StringIO()  # click would write it in an encoding of its own
        error.show(file=text)
        say(text.getvalue().rstrip())
        return WRONG_CALL
    except KeyboardInterrupt:
        say("stopped; go on with: hanmadi train --resume" if "train" in arguments[:1] else "stopped")
        return 130
    except BrokenPipeError:
        return SOME_FAILED
    except HanmadiError as error:
        say(f"error: {one_line(error)}")
        return WRONG_CALL
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EIO):  # of the output: a full disk, a terminal that is gone
            raise
        say(f"error: the output could not be written ({error.strerror})")
        return SOME_FAILED
    return code if isinstance(code, int) else DONE


if __name__ == "__main__":
    main()
