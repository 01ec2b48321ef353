"""The command ``hanmadi``: parse, call one function, show. No logic lives here."""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from hanmadi import __version__
from hanmadi.cli import console
from hanmadi.cli.output import one_line, print_json, say, show
from hanmadi.data.splits import DEFAULT_HOLDOUT, METHODS, Method
from hanmadi.errors import AudioError, HanmadiError
from hanmadi.runs import DEFAULT_ARCH, Settings

DONE, SOME_FAILED, WRONG_CALL = 0, 1, 2  # exit codes

_data_option = click.option("--data", metavar="SRC", help="Folder <word>/*.wav|flac|ogg|mp3, or a course .npz.")
_judged_option = click.option("--data", metavar="SRC", help="Recordings; those of the training otherwise.")
_model_option = click.option(
    "--model", metavar="M", help="Run folder, model file or shipped name; the newest run otherwise."
)
_background_option = click.option(
    "--background", "backgrounds", multiple=True, metavar="PATH",
    help="Recording, or folder of them, in which none of the words is said; repeatable.",
)  # fmt: skip
_json_option = click.option("--json", "as_json", is_flag=True, help="Results as JSON on standard output.")


class _Words(click.ParamType[tuple[str, ...]]):
    """Words separated by commas."""

    name = "WORD,WORD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        return value if isinstance(value, tuple) else tuple(word.strip() for word in str(value).split(","))


def _refuse(context: click.Context, names: Iterable[str], why: str) -> None:
    """Raises UsageError if one of these options was given where it would have no effect."""
    for option in context.command.params:
        if option.name in names and context.get_parameter_source(option.name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{max(option.opts, key=len)} {why}", context)


def _refuse_others(context: click.Context, *names: str, why: str) -> None:
    """Raises UsageError if another option than these was given."""
    _refuse(context, {str(option.name) for option in context.command.params} - {*names}, why)


_words_option = click.option("--words", type=_Words(), help="Words to recognise, such as yes,no,stop.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hanmadi")
def cli() -> None:
    """Recognise single spoken words: train, judge and use a recogniser of your own."""


@cli.command()
@click.argument("files", nargs=-1, metavar="[FILE|MODEL]...")
@click.option("--plot", type=click.Path(dir_okay=False), help="Draw waveform and spectrogram into this picture.")
@_json_option
def info(files: Sequence[str], plot: str | None, as_json: bool) -> int:
    """What is in a sound file (rate, levels, codec), or what a model is (run folder, model file, shipped name).

    Without a name: the model that is used when none is named.
    """
    from hanmadi.inference.recognizer import names_model

    models = [file for file in files if names_model(file)]
    if plot and (len(files) != 1 or models):
        raise click.UsageError("--plot draws one sound file; name one FILE")
    failed = 0
    for file in files or (None,):
        if file is None or file in models:
            from hanmadi.cli import model_console

            model_console.show_model(file, as_json=as_json)
            continue
        try:
            console.show_facts(file, as_json=as_json, plot=plot)
        except AudioError as error:
            say(f"error: {one_line(error)}")
            failed += 1
    return SOME_FAILED if failed else DONE


@cli.group()
def data() -> None:
    """Get, make and check recordings."""


@data.command("get")
@click.argument("name", required=False)
@click.option("--out", default="data", show_default=True, help="Folder to put it in.")
@click.pass_context
def data_get(context: click.Context, /, name: str | None, out: str) -> int:
    """Download an official archive; without NAME, list them."""
    if name is None:
        _refuse(context, ["out"], "goes with the NAME of an archive")
    return console.get_archive(name, Path(out))


@data.command("synth")
@_words_option
@click.option("--out", required=True, help="Folder to write.")
@click.option("--clips-per-word", type=click.IntRange(1), help="Clips of each word.")
@click.option("--language", type=click.Choice(["en", "ko"]), help="Chosen by the writing of the words otherwise.")
@click.option("--seed", type=int, default=0, show_default=True)
def data_synth(words: tuple[str, ...] | None, out: str, **options: Any) -> int:
    """Write a corpus of synthetic speech, in folders as Speech Commands has them."""
    return console.synthesise(words, Path(out), **options)


@data.command("check")
@click.argument("source", metavar="SRC")
@_json_option
def data_check(source: str, as_json: bool) -> int:
    """Count clips, speakers and seconds by word and split; list what is broken, silent, clipped or doubled."""
    return console.check_data(source, as_json=as_json)


@data.command("export")
@click.argument("source", metavar="SRC", required=False)
@click.option("--to", type=click.Choice(["npz"]), default="npz", show_default=True, help="The course's file.")
@click.option("--out", required=True, metavar="FILE", help="Such as speech_wav_8000.npz.")
@_words_option
@click.option("--rate", "sample_rate", type=click.IntRange(1), default=8_000, show_default=True, metavar="HZ")
def data_export(source: str | None, to: str, out: str, **options: Any) -> int:
    """Write recordings as one file, as the course's notebook reads them; without SRC, synthetic speech."""
    return console.export_data(source, Path(out), **options)


@cli.command()
@_data_option
@click.option("--arch", default=DEFAULT_ARCH, help="Network; see: hanmadi train --list.")
@_words_option
@click.option("--epochs", type=click.IntRange(1), help="Passes over the training clips.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Time for training.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--split", type=click.Choice(METHODS), default="auto", show_default=True, help="How clips are divided.")
@click.option("--holdout", type=float, default=DEFAULT_HOLDOUT, show_default=True, help="Share of validation, of test.")
@click.option("--validation-share", "validation", type=float, help="Share of validation; that of --holdout otherwise.")
@click.option("--hard-negatives", metavar="DIR", help="Clips to learn as unknown words, of: hanmadi mine.")
@click.option("--talk", multiple=True, metavar="PATH", help="Recordings without a keyword to learn from; repeatable.")
@click.option(
    "--teacher", "teachers", multiple=True, metavar="MODEL", help="Learn from a run or shipped model too; repeatable."
)
@click.option("--out", metavar="RUN", help="Run folder; a new one in runs/ otherwise.")
@click.option("--resume", "go_on", is_flag=True, help="Go on with a training that was stopped.")
@click.option("--list", "list_archs", is_flag=True, help="List the networks and end.")
@click.pass_context
def train(
    context: click.Context,
    /,
    data: str | None,
    arch: str,
    words: tuple[str, ...] | None,
    epochs: int | None,
    minutes: float | None,
    seed: int,
    split: Method,
    holdout: float,
    validation: float | None,
    hard_negatives: str | None,
    talk: tuple[str, ...],
    teachers: tuple[str, ...],
    out: str | None,
    go_on: bool,
    list_archs: bool,
) -> int:
    """Train a recogniser; without --data, on synthetic speech."""
    if list_archs:
        _refuse_others(context, "list_archs", why="has no effect with --list")
        return console.list_architectures()
    if go_on:
        why = "cannot be changed: --resume keeps the settings of its run; only --out, --epochs, --minutes go with it"
        _refuse_others(context, "go_on", "out", "epochs", "minutes", why=why)
        return console.resume(out=out, epochs=epochs, minutes=minutes)
    settings = Settings(
        data, arch, words, epochs, minutes, seed, split, holdout, validation, hard_negatives, talk, teachers
    )
    return console.train(settings, out=out)


@cli.command()
@_model_option
@_judged_option
@click.option(
    "--split", type=click.Choice(["auto", "train", "validation", "test", "all"]), default="auto", show_default=True,
    help="auto: test where there is one, all clips of other data.",
)  # fmt: skip
@click.option("--stream", is_flag=True, help="Live: words planted in long recordings; misses and false alarms an hour.")
@_background_option
@click.option("--snr", "snr_db", type=float, multiple=True, metavar="DB", help="Of planted words; 10 otherwise.")
@click.option("--clips", type=click.IntRange(1), help="How many clips to plant; all of the split otherwise.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the places of planted words.")
@click.option("--out", metavar="FOLDER", help="For the DET curve; the run folder, if there is one, otherwise.")
@_json_option
@click.pass_context
def evaluate(
    context: click.Context,
    /,
    model: str | None,
    data: str | None,
    split: str,
    stream: bool,
    as_json: bool,
    **live: Any,
) -> int:
    """How good a model is on recordings, or, with --stream, live."""
    if not stream:
        _refuse(context, live, "goes with --stream")
        return console.evaluate(model, data, split, as_json=as_json)
    from hanmadi.cli import live_console

    out, given = live.pop("out"), {name: value for name, value in live.items() if value}
    return live_console.evaluate_stream(model, data, split, out=out, as_json=as_json, **given)


@cli.command()
@_model_option
@_background_option
@click.option("--max-fa-per-hour", type=click.FloatRange(0, min_open=True), default=0.5, show_default=True)
@click.option("--data", metavar="SRC", help="Recordings of the words to plant; the same threshold for all otherwise.")
@click.option(
    "--plant-in", multiple=True, metavar="PATH", help="Recordings to plant them in, noise for example; repeatable."
)
@click.option("--snr", "snr_db", type=float, default=10.0, show_default=True, metavar="DB", help="Of planted words.")
@click.option("--clips", type=click.IntRange(1), help="How many clips to plant; all of validation otherwise.")
@click.option("--smoothing", "smoothing_s", type=click.FloatRange(0), help="Seconds to average scores over.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the places of planted words.")
@click.option("--out", metavar="FILE", help="A new model file; the model's own is changed otherwise.")
@_json_option
@click.pass_context
def calibrate(context: click.Context, /, model: str | None, backgrounds: Sequence[str], **options: Any) -> int:
    """Choose thresholds on recordings without the words, and store them in the model file."""
    if not backgrounds:
        raise click.UsageError("name recordings in which none of the words is said with --background")
    if options["data"] is None:
        _refuse(context, ["plant_in", "snr_db", "clips", "seed"], "goes with --data, the recordings of words to plant")
    from hanmadi.cli import live_console

    return live_console.calibrate(model, backgrounds, **options)


@cli.command("export")
@_model_option
@click.option(
    "--to", required=True, metavar="onnx|int8|c|litert|web", help="Model file, 8 bits, C99, .tflite, or a page."
)
@click.option("--out", required=True, metavar="PATH", help="File, or for c folder, to write.")
@_judged_option
@_json_option
def export_model(**options: Any) -> int:
    """Write a model for another runtime, and compare the scores of both on real clips."""
    from hanmadi.cli import model_console

    return model_console.export(**options)


@cli.command()
@click.argument("recordings", nargs=-1, required=True, metavar="RECORDING...")
@_model_option
@click.option("--out", required=True, metavar="DIR", help="Folder for the clips and their list.")
@click.option("--threshold", type=click.FloatRange(0, 1), help="For all words; the model's own otherwise.")
def mine(recordings: Sequence[str], out: str, **options: Any) -> int:
    """Write the clips of recordings without the words that a model takes for one, to train with."""
    from hanmadi.cli import live_console

    return live_console.mine(recordings, out, **options)


@cli.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@_model_option
@click.option("--top", type=click.IntRange(1), default=3, show_default=True, help="Labels to show.")
@_json_option
def predict(files: Sequence[str], model: str | None, top: int, as_json: bool) -> int:
    """The word in each sound file."""
    from hanmadi.inference.recognizer import load

    recognizer = load(model)
    failed = 0
    for file in files:
        try:
            found = recognizer.predict_file(file, top=top)
        except AudioError as error:
            say(f"error: {one_line(error)}")
            failed += 1
            continue
        if as_json:
            ranked = [score._asdict() for score in found.top]
            print_json({"file": file, "label": found.label, "score": found.score, "top": ranked})
        else:
            show(f"{one_line(file)}: " + "  ".join(f"{s.label} {s.score:.1%}" for s in found.top))
    return SOME_FAILED if failed else DONE


@cli.command()
@click.argument("source", required=False)
@_model_option
@click.option("--realtime", is_flag=True, help="A file as fast as it was spoken; at full speed otherwise.")
@click.option("--rate", type=click.IntRange(1), metavar="HZ", help="Of raw sound (16000 otherwise) or the microphone.")
@click.option("--device", metavar="D", help="Microphone: its number or a part of its name.")
@click.option("--list-devices", is_flag=True, help="List the microphones and end.")
@click.option("--jsonl", is_flag=True, help="One JSON object a word on standard output: label, time_s, score.")
@click.option("--on", multiple=True, metavar="WORD='COMMAND'", help="Run a program on a word (no shell); repeatable.")
@click.option("--threshold", type=click.FloatRange(0, 1), help="For all words; the model's own otherwise.")
@click.option("--hop-ms", type=click.FloatRange(0, min_open=True), default=100.0, show_default=True)
@click.pass_context
def listen(context: click.Context, /, source: str | None, model: str | None, list_devices: bool, **options: Any) -> int:
    """The words in live sound: the microphone, a sound file, or - for standard input: WAV, or raw PCM, 16 bit, mono."""
    from hanmadi.cli import listening

    if list_devices:
        _refuse_others(context, "list_devices", why="has no effect with --list-devices")
        return listening.list_devices()
    live, piped = source is None, source == listening.STANDARD_INPUT
    if options["device"] and not live:
        raise click.UsageError("--device is for the microphone; leave out SOURCE")
    if options["realtime"] and (live or piped):
        raise click.UsageError("--realtime is for files; live sound comes at its own pace")
    if options["rate"] and not (live or piped):
        raise click.UsageError("--rate is for the microphone and raw sound; a file tells its own")
    return listening.listen(source, model, **options)


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0: all, no password.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8_000, show_default=True, help="0 takes a free one.")
@_model_option
@click.option("--data", metavar="SRC", help="Recordings on which the page may start trainings.")
@click.option("--runs", default="runs", show_default=True, metavar="DIR", help="Folder of the runs to show.")
@click.option("--allow-origin", "origins", multiple=True, metavar="URL", help="Another site to let in; repeatable.")
@click.option("--open", "browse", is_flag=True, help="Open the page in a browser.")
def serve(runs: str, origins: Sequence[str], port: int, browse: bool, **options: Any) -> int:
    """A page to see and speak to, and an HTTP API; on this machine only, unless --host says otherwise."""
    from hanmadi.web import server

    chosen = server.Options(runs=Path(runs), origins=tuple(origins), **options)
    return server.serve(chosen, port=port, show=browse, say=say)


@cli.command("try")
@_model_option
@_judged_option
@click.option("--seed", type=int, help="Choose the same clip again.")
@click.option(
    "--plot", type=click.Path(dir_okay=False), help="Where the picture goes; try.png in the run folder otherwise."
)
@click.option("--play/--no-play", default=True, help="Play the clip when the system can.")
def try_clip(model: str | None, data: str | None, seed: int | None, plot: str | None, play: bool) -> int:
    """Pick a random test clip, play and show it, and say whether the model is right."""
    return console.try_clip(model, data, seed=seed, plot=plot, play=play)


@cli.command()
@_data_option
@click.option(
    "--archs",
    type=_Words(),
    help="Networks, separated by commas; the default and the course's five otherwise.",
)
@_words_option
@click.option("--epochs", type=click.IntRange(1), help="The same number for each.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="The same time for each.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--split", type=click.Choice(METHODS), default="auto", show_default=True)
@click.option("--out", help="Folder for the runs, the table and the plot.")
def compare(**options: Any) -> int:
    """Train several networks on the same data under the same budget; one table, one plot."""
    return console.compare(**options)


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
    return code if isinstance(code, int) else DONE


if __name__ == "__main__":
    main()
