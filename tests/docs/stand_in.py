"""What plays the programs that no test can run, or that would run for ever: `python stand_in.py PROGRAM ARGUMENT…`.

It gets its arguments as the shell split them, checks what can be checked of them, and ends: 0, or 1 with the reason.
`STAND_INS` is the whole list, with what is checked instead.
"""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PYTHON = sys.executable
BIN = Path(PYTHON).parent
NPM_LANGSMITH = "langsmith@0.12.0"
UNTIL_STOPPED = ("serve", "simulator", "demo", "tail")
JUDGES = ("doctor",)
"""Commands whose exit code 1 or 2 is an answer."""
VERDICTS = (("prices", "missing"), ("alerts", "test"))
"""Exit code 1 is an answer of theirs: a model has no price; a receiver on the internet was not reached."""
COMPARES = "reconcile"
"""Exit code 1 is an answer of its own: the bill differs."""
ASK_A_SERVER = ("alerts", "delete", "doctor", "export", "import", "reconcile", "report", "reprice", "trace")
"""They take the server of the tests where the page leaves `--url` out, which means the default port."""


class WrongError(Exception):
    """The documentation says what does not work."""


def make(*arguments: str) -> None:
    """`make` would build the environment the tests run in: the target must exist."""
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for target in (one for one in arguments if "=" not in one):
        if target not in targets:
            raise WrongError(f"make {target}: no such target")


def git(*arguments: str) -> None:
    """A clone needs the published repository: a folder with an environment is made in its place."""
    if arguments[:1] != ("clone",):
        raise WrongError(f"git {arguments}")
    activate = Path(arguments[-1], ".venv/bin/activate")
    activate.parent.mkdir(parents=True)
    activate.touch()
    activate.with_name("everytoken").symlink_to(str(shutil.which("everytoken")))
    for name in ("docs", "deploy", "README.md"):
        Path(arguments[-1], name).symlink_to(ROOT / name)


def pip(*arguments: str) -> None:
    """The packages are not published where tests run: the extras must be those of `pyproject.toml`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for wanted in arguments[1:]:
        found = re.fullmatch(r"everytoken(?:\[([\w,]+)\])?", wanted)
        if not found or not set(filter(None, (found[1] or "").split(","))) <= set(project["optional-dependencies"]):
            raise WrongError(f"pip install {wanted}")


def kubectl(*arguments: str) -> None:
    """There is no cluster: a folder must build, and an object that is named must be in what one builds."""
    from tests.deploy.kustomize import build

    if arguments[0] == "kustomize" or "-k" in arguments:
        import yaml

        built = build(Path(arguments[-1]))
        if arguments[0] == "kustomize":
            sys.stdout.write(yaml.safe_dump_all(built))
        return
    objects = [body for name in ("mesh", "scaled") for body in build(ROOT / "deploy/k8s/overlays" / name)]
    named = {f"{body['kind'].lower()}/{body['metadata']['name']}" for body in objects}
    if arguments[-1] not in named and not any(one in named for one in arguments):
        raise WrongError(f"kubectl {arguments}: no such object")


def docker(*arguments: str) -> None:
    """There is no engine: files must be there, and parse."""
    import yaml

    files = [one for option, one in itertools.pairwise(arguments) if option == "-f"]
    for name in files:
        if name.endswith(".yaml"):
            yaml.safe_load(Path(name).read_text())
        elif not Path(name).is_file():
            raise WrongError(f"docker: {name} is not there")


def prometheus(*arguments: str) -> None:
    """Runs until it is stopped; `tests/deploy/test_real_prometheus.py` starts it on this file."""
    (config,) = [one.partition("=")[2] for one in arguments if one.startswith("--config.file=")]
    if not Path(config).is_file():
        raise WrongError(f"{config} is not there")


def away(*arguments: str) -> None:
    """Tools of stores that are not here, with data that is not here: nothing is checked but the shell's grammar."""


def npm(*arguments: str) -> None:
    """Runs, with the version of the package pinned."""
    if arguments != ("install", "langsmith"):
        raise WrongError(f"npm {arguments}")
    command = ["/usr/bin/env", "npm", "install", "--no-save", "--no-audit", "--no-fund", "--silent", NPM_LANGSMITH]
    subprocess.run(command, check=True, env=os.environ | {"PATH": os.environ["REAL_PATH"]})


def everytoken(*arguments: str) -> None:
    """Runs. What works until it is stopped is parsed alone, and so is `doctor` over all, which asks the network."""
    name, *rest = arguments
    if name in UNTIL_STOPPED or (name == "doctor" and not {"--project", "--trace", "--manifests"} & set(rest)):
        import typer

        from everytoken.cli.commands import app

        group: Any = typer.main.get_command(app)
        context = typer.Context(group, info_name="everytoken")
        group.get_command(context, name).make_context(name, rest)
        return
    if name == "keys" and rest[0] == "revoke":  # ids are made when keys are
        rest[1] = json.loads(_run(["keys", "list", "--json"], capture_output=True).stdout)[0]["key_id"]
    if name in ASK_A_SERVER and "--url" not in rest:
        rest += ["--url", os.environ["SERVER_OF_TESTS"]]
    code = _run([name, *rest]).returncode
    answers = (0, 1, 2) if name in JUDGES else (0, 1) if name == COMPARES or (name, *rest[:1]) in VERDICTS else (0,)
    if code not in answers:
        raise WrongError(f"everytoken {' '.join(arguments)}: exit {code}")


def _run(arguments: list[str], *, capture_output: bool = False) -> subprocess.CompletedProcess[bytes]:
    command = [PYTHON, "-m", "everytoken.cli", *arguments]
    return subprocess.run(command, check=False, capture_output=capture_output)


def eco2(*arguments: str) -> None:
    """`ask` runs. Of the others the name must exist; `tests/eco2/test_cli.py` runs them."""
    if arguments[0] == "ask":
        subprocess.run([PYTHON, "-m", "eco2", *arguments], check=True)
    elif f"def {arguments[0]}(" not in (ROOT / "apps/eco2/src/eco2/cli.py").read_text():
        raise WrongError(f"eco2 {arguments[0]}")


STAND_INS: dict[str, Callable[..., None]] = {
    "make": make,
    "git": git,
    "pip": pip,
    "kubectl": kubectl,
    "docker": docker,
    "prometheus": prometheus,
    "clickhouse-client": away,
    "pg_dump": away,
    "npm": npm,
    "everytoken": everytoken,
    "eco2": eco2,
}


def install(folder: Path) -> None:
    """Put each of them into `folder`, for the front of `PATH`."""
    folder.mkdir()
    for name in STAND_INS:
        script = folder / name
        # Doctor asks for the current context, of which there is none.
        guard = '[ "$1" = config ] && exit 1\n' if name == "kubectl" else ""
        script.write_text(f'#!/bin/sh\n{guard}exec "{PYTHON}" -m tests.docs.stand_in {name} "$@"\n')
        script.chmod(0o755)
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec "{PYTHON}" "$@"\n')
    python.chmod(0o755)


def main(arguments: Sequence[str]) -> int:
    try:
        STAND_INS[arguments[0]](*arguments[1:])
    except (WrongError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
