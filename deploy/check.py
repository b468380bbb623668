"""Run what the Dockerfile's stages run, outside a container, in a folder of their own: `python deploy/check.py`.

A stage becomes a folder, COPY copies, RUN runs with the image's absolute paths led into that folder, and what an image
starts is started and asked. It needs git, node, npm, a package index and a few minutes. It cannot show what only an
engine can: the base images, the user, the read-only root.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = re.compile(r"(?<![\w.])/(?=(build|venv|wheels|empty|app|data|var)\b)")
START_S = 60


@dataclass
class Stage:
    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)


def read_stages(text: str) -> list[Stage]:
    """Stages with their instructions, comments left out and continued lines joined."""
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    stages: list[Stage] = []
    for line in filter(None, map(str.strip, lines.splitlines())):
        word, rest = line.split(None, 1)
        if word == "FROM":
            base, _as, name = rest.split()
            stages.append(Stage(base, name))
        else:
            stages[-1].steps.append((word, rest))
    return stages


class Check:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = folder / "source"
        self.workdirs: dict[str, str] = {}

    def run(self) -> None:
        """Every stage in order.

        Raises:
            subprocess.CalledProcessError: a command failed.
        """
        self._source()
        for stage in read_stages((ROOT / "deploy/Dockerfile").read_text()):
            home = self.folder / stage.name
            if (self.folder / stage.base).is_dir():  # FROM another stage
                shutil.copytree(self.folder / stage.base, home, symlinks=True)
                self.workdirs[stage.name] = self.workdirs[stage.base]
            home.mkdir(exist_ok=True)
            for word, rest in stage.steps:
                if word == "WORKDIR":
                    self.workdirs[stage.name] = rest
                    (home / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
                elif word == "COPY":
                    self._copy(home, rest)
                elif word == "RUN":
                    self._run(stage.name, home, rest)
        self._start("everytoken", ["everytoken", "serve", "--port"], "/ok")
        self._start("eco2", ["eco2", "serve", "--port"], "/healthz")

    def _source(self) -> None:
        """The files git knows, as they are now."""
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                target = self.source / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, target)

    def _copy(self, home: Path, rest: str) -> None:
        words = rest.split()
        stage = next((word.removeprefix("--from=") for word in words if word.startswith("--from=")), None)
        *sources, target = [word for word in words if not word.startswith("--")]
        into = home / target.lstrip("/")
        for source in sources:
            found = (self.folder / stage if stage else self.source) / source.lstrip("/")
            if found.is_dir():
                shutil.copytree(found, into, symlinks=True, dirs_exist_ok=True)
            else:
                to = into / found.name if target.endswith("/") else into
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(found, to)

    def _run(self, name: str, home: Path, command: str) -> None:
        print(f"· {name}: {command[:110]}", file=sys.stderr, flush=True)
        subprocess.run(
            ["sh", "-ec", FOLDERS.sub(f"{home}/", command)],
            cwd=home / self.workdirs.get(name, "/").lstrip("/"),
            env=_environment(),
            check=True,
        )

    def _start(self, name: str, command: list[str], path: str) -> None:
        """Start what the image starts, and ask it with the image's own health check until it is well."""
        app, port = self.folder / name / "app", _free_port()
        environment = _environment() | {
            "PATH": f"{app / 'venv/bin'}:{os.environ['PATH']}",
            "EVERYTOKEN_DATA": str(self.folder / name / "data"),
            "ECO2_IMAGES_DIR": str(self.folder / name / "var/lib/eco2/images"),
            "OPENAI_API_KEY": "none",
        }
        # The scripts of a copied environment start with the path it was made at: the folder of the packages' stage.
        process = subprocess.Popen([*command, str(port)], env=environment)
        try:
            deadline = time.monotonic() + START_S
            check = [str(app / "venv/bin/python"), str(app / "ok.py"), f"http://127.0.0.1:{port}{path}"]
            while subprocess.run(check, check=False, stderr=subprocess.DEVNULL).returncode:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"check: {name} did not get well")
                time.sleep(0.2)
            print(f"· {name}: well", file=sys.stderr)
        finally:
            process.terminate()
            process.wait(30)


def _environment() -> dict[str, str]:
    """Ours without what would point the tools at another environment or the applications at a service."""
    return {
        name: value
        for name, value in os.environ.items()
        if name != "VIRTUAL_ENV" and not name.startswith(("LANGSMITH_", "LANGCHAIN_", "EVERYTOKEN_", "ECO2_"))
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="everytoken-check-") as folder:
        Check(Path(folder)).run()
    print("all commands of the Dockerfile ran, both images' programs are well")
