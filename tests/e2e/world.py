"""Real processes on free loopback ports: the server, the simulated providers, the agent."""

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import httpx

QUESTION = "강남역 근처 페트병 분리수거함 어디있어?"
PROJECT = "eco2-chat-worker"


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2.0).is_success
    except httpx.HTTPError:
        return False


@dataclass(frozen=True)
class World:
    """A server and a simulator, and the environment that ties an application to both."""

    url: str
    simulator_url: str
    env: dict[str, str]

    def ask(self, message: str, job_id: str, *options: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "eco2", "ask", message, "--job", job_id, "--json", *options]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return answer

    def ledger(self) -> list[dict[str, Any]]:
        """What the simulated providers would have billed, one entry a response."""
        entries = httpx.get(f"{self.simulator_url}/_ledger").json()
        found: list[dict[str, Any]] = entries["responses"] if isinstance(entries, dict) else entries
        return found
