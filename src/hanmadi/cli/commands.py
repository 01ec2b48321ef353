"""The command ``hanmadi``: its commands together, and what becomes of errors."""

from __future__ import annotations

import errno
import io
import sys
import warnings
from collections.abc import Sequence

import click

from hanmadi import __version__
from hanmadi.cli.data import data
from hanmadi.cli.info import info
from hanmadi.cli.live import calibrate, listen, mine
from hanmadi.cli.models import evaluate, export_model, predict, serve, try_clip
from hanmadi.cli.options import DONE, SOME_FAILED, WRONG_CALL
from hanmadi.cli.output import one_line, say
from hanmadi.cli.training import compare, train
from hanmadi.errors import HanmadiError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hanmadi")
def cli() -> None:
    """Recognise single spoken words: train, evaluate and use a recogniser of your own."""


for _command in (
    info, data, train, evaluate, calibrate, export_model, mine, predict, listen, serve, try_clip, compare,
):  # fmt: skip
    cli.add_command(_command)


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
