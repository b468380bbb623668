"""`everytoken run` over the wire: programs that know nothing of everytoken, against the bill of the simulator."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.recorded.receiver import Receiver, receiving
from tests.recorded.verdict import judge
from tests.recorded.world import KEY, RULES

from everytoken.simulator.serve import Simulator

ASK = """
import openai

def ask(text):
    client = openai.OpenAI(max_retries=0)
    return client.chat.completions.create(model="gpt-5.2", messages=[{"role": "user", "content": text}])
"""
RUN = [sys.executable, "-m", "everytoken.cli", "run"]


@dataclass
class Shell:
    """A folder with programs, the simulator and a receiver."""

    folder: Path
    simulator: Simulator
    receiver: Receiver
    more: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, code: str, *, executable: bool = False) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code, encoding="utf-8")
        path.chmod(0o755 if executable else 0o644)
        return path

    @property
    def env(self) -> Mapping[str, str]:
        mine = {name: value for name, value in os.environ.items() if not name.startswith(("LANGSMITH_", "LANGCHAIN_"))}
        return {
            **mine,
            "OPENAI_BASE_URL": self.simulator.urls["openai"],
            "OPENAI_API_KEY": KEY,
            "LANGSMITH_ENDPOINT": self.receiver.url,
            "LANGSMITH_API_KEY": "local",
            "EVERYTOKEN_STRICT": "1",
            **self.more,
        }

    def run(self, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*RUN, *arguments],
            cwd=self.folder,
            env=self.env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def assert_counted(self, requests: int) -> None:
        """Every request is billed and charged once, class by class."""
        charges = self.receiver.charges()
        assert [charge.quality for charge in charges] == ["exact"] * requests
        assert judge(self.simulator.ledger(), charges).losses == ()


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Simulator, Receiver]]:
    with Simulator(RULES) as simulator, receiving() as receiver:
        yield simulator, receiver


@pytest.fixture
def shell(servers: tuple[Simulator, Receiver], tmp_path: Path) -> Shell:
    simulator, receiver = servers
    simulator.world.ledger.clear()
    receiver.clear()
    return Shell(tmp_path, simulator, receiver)


def test_a_program_keeps_its_arguments_its_input_its_output_and_its_exit_code(shell: Shell) -> None:
    program = ASK + (
        "import sys\n"
        "ask(sys.stdin.read())\n"
        "print(__name__, sys.argv, sys.path[0], __file__)\n"
        "sys.exit(7)\n"
    )  # fmt: skip
    path = shell.write("app.py", program)
    done = shell.run(str(path), "-m", "--help", "two words", stdin="페트병은?")
    assert (done.returncode, done.stderr) == (7, "")
    assert done.stdout == f"__main__ {[str(path), '-m', '--help', 'two words']!r} {shell.folder} {path}\n"
    shell.assert_counted(1)


def test_a_module_and_its_package_run_as_python_runs_them(shell: Shell) -> None:
    shell.write("shop/__init__.py", "")
    shell.write("shop/__main__.py", ASK + "import sys\nask('유리병은?')\nprint(__package__, sys.argv[1:])\n")
    done = shell.run("-m", "shop", "--port", "1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "shop ['--port', '1']\n", "")
    shell.assert_counted(1)


@pytest.mark.parametrize(
    "first_lines",
    [f"#!{sys.executable}\n", f"#!/bin/sh\n'''exec' \"{sys.executable}\" \"$0\" \"$@\"\n' '''\n"],
    ids=["shebang", "shebang of a long path"],
)
def test_a_console_script_on_the_path_is_recorded(shell: Shell, first_lines: str) -> None:
    path = shell.write("bin/askall", first_lines + ASK + "import sys\nask('캔은?')\nprint(sys.argv)\n", executable=True)
    shell.more["PATH"] = f"{path.parent}{os.pathsep}{os.environ['PATH']}"
    done = shell.run("askall", "--fast")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{[str(path), '--fast']!r}\n", "")
    shell.assert_counted(1)


def test_child_processes_are_recorded_through_a_shell_too(shell: Shell) -> None:
    shell.write("child.py", ASK + "ask('비닐은?')\n")
    shell.write(
        "app.py",
        f"{ASK}import subprocess, sys\nask('종이는?')\nsubprocess.run(['sh', '-c', f'{{sys.executable}} child.py'])\n",
    )
    done = shell.run("app.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    shell.assert_counted(2)


@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_children_of_multiprocessing_are_recorded(shell: Shell, method: str) -> None:
    shell.write(
        "app.py",
        ASK
        + f"""
import multiprocessing, sys

if __name__ == "__main__":
    ask("부모")
    context = multiprocessing.get_context({method!r})
    with context.Pool(2) as pool:
        pool.map(len, [])
        pool.close()
        pool.join()
    child = context.Process(target=ask, args=("자식",))
    child.start()
    child.join()
    sys.exit(child.exitcode)
""",
    )
    done = shell.run("app.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    shell.assert_counted(2)


def test_another_sitecustomize_still_runs_and_so_does_its_fault(shell: Shell) -> None:
    shell.write("site/sitecustomize.py", "import builtins\nbuiltins.of_the_company = __file__\n")
    shell.write("app.py", ASK + "ask('병은?')\nimport sitecustomize\nprint(of_the_company, sitecustomize.__file__)\n")
    shell.more["PYTHONPATH"] = str(shell.folder / "site")
    done = shell.run("app.py")
    theirs = str(shell.folder / "site" / "sitecustomize.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{theirs} {theirs}\n", "")
    shell.assert_counted(1)
    shell.write("site/sitecustomize.py", "raise RuntimeError('of the company')\n")
    shell.write("app.py", ASK + "ask('병은?')\n")
    done = shell.run("app.py")
    assert done.returncode == 0
    assert "of the company" in done.stderr  # Python's own line: as without us
    assert len(shell.receiver.charges()) == 2


def test_signals_reach_the_program_and_end_it_as_without_us(shell: Shell) -> None:
    shell.write(
        "app.py",
        "import signal, sys, time\n"
        "signal.signal(signal.SIGUSR1, lambda *_: print('heard', flush=True))\n"
        "print('ready', flush=True)\n"
        "time.sleep(0.01) or [time.sleep(0.05) for _ in range(600)]\n",
    )
    with subprocess.Popen(
        [*RUN, "app.py"], cwd=shell.folder, env=shell.env, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGUSR1)
        assert process.stdout.readline() == "heard\n"
        process.terminate()
        assert process.wait(20) == -signal.SIGTERM


def test_a_program_that_instruments_itself_is_counted_once(shell: Shell) -> None:
    shell.write("app.py", "import everytoken\neverytoken.instrument()\n" + ASK + "ask('종이팩은?')\n")
    assert shell.run("app.py").stderr == ""
    shell.assert_counted(1)


def test_a_program_without_any_sdk_runs_as_ever(shell: Shell) -> None:
    shell.write("app.py", "import sys\nprint([name for name in ('openai', 'google.genai') if name in sys.modules])\n")
    done = shell.run("app.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
