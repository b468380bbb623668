"""The Eco² agent as its user would start it: processes of its own, LangSmith's own variables."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from everytoken.cli.errors import CommandError
from everytoken.simulator.serve import Simulator

AGENT_TIMEOUT_S = 180
TRACING = ("LANGSMITH_", "LANGCHAIN_")
"""What the user's own tracing is set up with: a sampling rate or an older name would change what the demo shows."""


def simulated(simulator: Simulator) -> dict[str, str]:
    """The environment that points the agent at the simulated providers."""
    urls = simulator.urls
    keys = ("OPENAI_API_KEY", "GOOGLE_API_KEY", "KAKAO_REST_API_KEY", "KMA_API_KEY", "MOIS_WASTE_API_KEY")
    return {
        "OPENAI_BASE_URL": urls["openai"],
        "GOOGLE_GEMINI_BASE_URL": urls["gemini"],
        "KAKAO_BASE_URL": urls["kakao"],
        "KMA_BASE_URL": urls["kma"],
        "MOIS_BASE_URL": urls["mois"],
        "KECO_BASE_URL": urls["keco"],
        **dict.fromkeys((*keys, "KECO_API_KEY"), "simulated"),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Eco2:
    """How to start the agent so that its runs go to `url` and its calls to `services`."""

    url: str
    provider: str
    services: Mapping[str, str]
    """Environment of the providers; empty: the real ones, with the user's keys."""

    def env(self, project: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(TRACING)}
        return {
            **kept,
            **self.services,
            "ECO2_PROVIDER": self.provider,
            "LANGSMITH_TRACING": "true",
            "LANGSMITH_ENDPOINT": self.url,
            "LANGSMITH_PROJECT": project,
            "LANGSMITH_API_KEY": "local",
        }

    def ask(self, project: str, message: str, job_id: str) -> dict[str, Any]:
        """The `done` of one question."""
        with self.started(project, "ask", message, "--job", job_id, "--json") as process:
            return finished(process)[-1]

    def answer(self, project: str, messages: list[dict[str, Any]], *, at_once: int) -> list[dict[str, Any]]:
        """The `done` of every message, in the order in which they ended."""
        lines = "\n".join(json.dumps(message, ensure_ascii=False) for message in messages)
        with self.started(project, "batch", "--at-once", str(at_once)) as process:
            return finished(process, lines)

    @contextmanager
    def started(self, project: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
        """An `eco2` command under way; killed if the block ends before it does."""
        process = subprocess.Popen(
            [sys.executable, "-m", "eco2", *arguments],
            env=self.env(project),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()


def finished(process: "subprocess.Popen[str]", said: str = "") -> list[dict[str, Any]]:
    """What the command printed, a JSON object a line, once it has ended.

    Raises:
        CommandError: it failed, or did not end in time.
    """
    try:
        out, err = process.communicate(said, timeout=AGENT_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise CommandError(
            f"the agent did not answer within {AGENT_TIMEOUT_S} s", hint="try again; with --live, check the network"
        ) from error
    if process.returncode:
        raise CommandError(f"the agent failed: {(err or out).strip()[-800:]}")
    return [json.loads(line) for line in out.splitlines() if line.strip()]
