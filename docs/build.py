"""Build the documentation site, English in build/site and Korean in build/site/ko, with all lessons executed.

    python docs/build.py                 # everything; what has not changed is not executed again
    python docs/build.py --quick         # lessons in quick mode: to look at the pages
    python docs/build.py --only 06       # lessons whose name begins so; missing links are then no error
    python docs/build.py --notebooks     # write notebooks/<language>/ and stop

Needs "hanmadi[train,tts,docs]".
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import nbformat
from lesson_pages import REPOSITORY, lessons, notebook, write_page

LANGUAGES = ("en", "ko")
DOCS = REPOSITORY / "docs"
SITE = REPOSITORY / "build" / "site"


def main() -> None:
    """Parse and build."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="lessons in quick mode")
    parser.add_argument("--only", default="", metavar="NN", help="lessons whose name begins so")
    parser.add_argument("--notebooks", action="store_true", help="write notebooks/<language>/ and stop")
    options = parser.parse_args()
    if options.notebooks:
        write_notebooks(REPOSITORY / "notebooks")
        return
    for language in LANGUAGES:
        for lesson in lessons(language):
            if lesson.name.startswith(options.only):
                print(f"{language}: {lesson.name}", flush=True)
                write_page(lesson, DOCS / language / "lessons", quick=options.quick)
    write_commands(DOCS / "en" / "reference" / "commands.md")
    build_site(strict=not options.only)


def write_notebooks(folder: Path) -> None:
    """Every lesson as a notebook without output."""
    for language in LANGUAGES:
        (folder / language).mkdir(parents=True, exist_ok=True)
        for lesson in lessons(language):
            nbformat.write(notebook(lesson), folder / language / f"{lesson.name}.ipynb")


def build_site(*, strict: bool) -> None:
    """Run zensical for each language; ``strict`` fails where a page or a link is missing."""
    shutil.rmtree(SITE, ignore_errors=True)
    paths = (str(DOCS), str(REPOSITORY / "src"), os.environ.get("PYTHONPATH", ""))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}
    for config in ("mkdocs.yml", "mkdocs.ko.yml"):
        command = [sys.executable, "-m", "zensical", "build", "--clean", "-f", str(REPOSITORY / config)]
        command += ["--strict"] if strict else []
        subprocess.run(command, check=True, cwd=REPOSITORY, env=environment)


# ---- the commands, from click ----


def write_commands(path: Path) -> None:
    """The help of every command as a page."""
    from hanmadi.cli.commands import cli

    text = "# Commands\n\nWhat `hanmadi COMMAND --help` prints.\n\n" + "\n\n".join(command_parts(cli, "hanmadi"))
    path.write_text(text + "\n", encoding="utf-8")


def command_parts(command: click.Command, name: str) -> Iterator[str]:
    """A command and those below it: a heading and its help each."""
    context = click.Context(command, info_name=name, terminal_width=100, max_content_width=100)
    yield f"## {name}\n\n```text\n{command.get_help(context)}\n```"
    if isinstance(command, click.Group):
        for part in sorted(command.list_commands(context)):
            below = command.get_command(context, part)
            assert below is not None
            yield from command_parts(below, f"{name} {part}")


if __name__ == "__main__":
    main()
