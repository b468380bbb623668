"""`everytoken run`: a Python program with every model call recorded, its code unchanged.

The program takes this process over (`exec`): its exit code, signals, terminal, arguments and `__main__` are its own. A
folder on PYTHONPATH lets each Python that starts below it call `everytoken.instrument()` first, children included.
Stands on the standard library alone: it runs where only the client half is installed.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from everytoken.cli.errors import CommandError

CONTEXT_SETTINGS = {"ignore_unknown_options": True, "allow_interspersed_args": False}
"""What follows the program's name belongs to the program."""
AUTOSTART = Path(__file__).parents[1] / "instrument" / "autostart"
USAGE = "everytoken run app.py [ARGUMENTS] · run -m module [ARGUMENTS] · run COMMAND [ARGUMENTS]"
PROBE_TIMEOUT_S = 30.0
_PROGRAM_SUFFIXES = (".py", ".pyw", ".pyz")
_WITH_VALUE = ("-X", "-W", "--check-hash-based-pycs")
_ISOLATING = re.compile(r"-(?![WX])[A-Za-z]*[IES][A-Za-z]*")
_SHEBANG_BYTES = 1_024
_PROBE = "import sys; sys.exit('everytoken' not in sys.modules)"


def run(arguments: list[str]) -> None:
    """Run `app.py`, `-m module` or a Python command, with every model call recorded and nothing changed in its code."""
    if not arguments:
        raise CommandError("run what?", hint=USAGE)
    if arguments[0] in ("--help", "-h"):
        print(f"Usage: {USAGE}\n\n{run.__doc__}")
        return
    environment = environment_of(os.environ)
    command = command_of(arguments, environment)
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execve(command[0], command, environment)  # noqa: S606 the program that was asked for, no shell
    except OSError as error:
        raise CommandError(f"cannot run {command[0]}: {error.strerror}", hint="is it an executable file?") from error


def environment_of(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with our folder first on PYTHONPATH."""
    others = [one for one in environment.get("PYTHONPATH", "").split(os.pathsep) if one and one != str(AUTOSTART)]
    return {**environment, "PYTHONPATH": os.pathsep.join([str(AUTOSTART), *others])}


def command_of(arguments: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """What to execute, the path of the program first.

    Raises:
        CommandError: there is no such program, or its Python could not record.
    """
    named = arguments[0]
    if named.startswith("-"):
        _refuse_isolation(arguments)
        return [sys.executable, *arguments]
    if _is_program(Path(named)):
        return [sys.executable, *arguments]
    # Beside our own interpreter first: that is the environment in which everytoken is installed.
    found = shutil.which(named, path=str(Path(sys.executable).parent)) or shutil.which(named)
    if found is not None:
        _refuse_other_python(found, environment)
        return [found, *arguments[1:]]
    if Path(named).is_file():
        return [sys.executable, *arguments]
    raise CommandError(f"no file and no command is called {named!r}", hint=USAGE)


def _is_program(path: Path) -> bool:
    """A file or a folder that `python path` runs."""
    return (path.suffix in _PROGRAM_SUFFIXES and path.is_file()) or (path / "__main__.py").is_file()


def _refuse_isolation(options: Sequence[str]) -> None:
    rest = iter(options)
    for option in rest:
        if not option.startswith("-") or option[:2] in ("-m", "-c"):
            return
        if _ISOLATING.fullmatch(option):
            raise CommandError(
                f"python {option} ignores PYTHONPATH, by which everytoken starts",
                hint="leave it out, or call everytoken.instrument() in the program",
            )
        if option in _WITH_VALUE:
            next(rest, None)


def _refuse_other_python(path: str, environment: Mapping[str, str]) -> None:
    """A command of a Python that has no everytoken would run unrecorded, and nobody would see why."""
    python = python_of(Path(path))
    if not python or python == [sys.executable]:
        return
    try:
        done = subprocess.run([*python, "-c", _PROBE], env=environment, capture_output=True, timeout=PROBE_TIMEOUT_S)  # noqa: PLW1510 the exit code is the answer
        records = done.returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        records = False
    if not records:
        raise CommandError(
            f"{path} is run by {' '.join(python)}, where everytoken does not start",
            hint=f"{python[0]} -m pip install everytoken",
        )


def python_of(path: Path) -> list[str]:
    """The interpreter of a command, with the options its first line gives; empty when it is no Python program."""
    if re.fullmatch(r"python[\d.]*", path.name):
        return [str(path)]
    try:
        with path.open("rb") as file:
            head = file.read(_SHEBANG_BYTES).decode(errors="replace").splitlines()
    except OSError:
        return []
    if not head or not head[0].startswith("#!"):
        return []
    words = head[0][2:].split()
    if len(head) > 1 and head[1].startswith("'''exec'"):
        # pip's way round paths too long for a first line: https://github.com/pypa/distlib/blob/master/distlib/scripts.py
        words = head[1].removeprefix("'''exec'").replace('"$0" "$@"', "").replace('"', "").split()
    if words and Path(words[0]).name == "env":
        words = [shutil.which(words[1]) or words[1], *words[2:]] if len(words) > 1 else []
    return words if words and re.fullmatch(r"python[\d.]*", Path(words[0]).name) else []
