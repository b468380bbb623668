"""Runs a page as its reader would: top to bottom, in one folder, exports kept, against a server and a simulator."""

import base64
import contextlib
import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.docs.blocks import PAGES, ROOT, SHELL, Block, blocks, name_of
from tests.docs.stand_in import install

TIMEOUT_S = 150
TOO_LONG = 124
"""As `timeout` has it."""

NOT_RUN = {
    "python -m tests.recorded.matrix": "takes minutes; tests/recorded runs it",
    "everytoken run uvicorn shop:app": "a server; tests/recorded/test_run.py starts one",
    "everytoken delete --trace": "would take what other pages read; tests/store/test_delete_cli.py runs it",
}
"""Beginning of a line → why a test can't run it. Everything else runs, or is played by `stand_in.py`."""

BEFORE = {
    "how-to/budget.md": """
def tell_the_team(budget, total):
    pass
""",
    "integrations/content.md": "import everytoken",
    "integrations/context.md": """
import everytoken, openai
client = openai.OpenAI()
create, asked = client.chat.completions.create, [{"role": "user", "content": "a"}]
client.chat.completions.create = lambda *_: create(model="gpt-5.2", messages=asked)
""",
    "integrations/langchain.md": """
from langgraph.graph import END, START, StateGraph
router = lambda state: {}
builder = StateGraph(dict)
builder.add_edge(START, "router")
builder.add_edge("router", END)
""",
    "simulator.md": "import openai\nfrom google import genai",
}
"""What a fragment takes for granted, by page."""

SEED_MODEL = "gpt-5.2"
SEED = {
    "id": "01a20500-0000-7000-8000-000000000001",
    "trace_id": "01a20500-0000-7000-8000-000000000001",
    "session_name": "shop",
    "dotted_order": "20261120T000000000000Z01a20500-0000-7000-8000-000000000001",
    "name": "model",
    "run_type": "llm",
    "start_time": "2026-11-20T00:00:00",
    "end_time": "2026-11-20T00:00:01",
    "inputs": {"question": "PET"},
    "outputs": {"usage_metadata": {"input_tokens": 520, "output_tokens": 741, "total_tokens": 1261}},
    "extra": {"metadata": {"ls_provider": "openai", "ls_model_name": SEED_MODEL}},
}
IMPORTED = {
    key: str(value).replace("000000000001", "000000000002") for key, value in SEED.items() if key != "session_name"
} | {
    "inputs": SEED["inputs"],
    "outputs": SEED["outputs"],
    "extra": SEED["extra"],
}
_BILLED_DAY_S = 1_795_132_800
"""2026-11-20, the day of `SEED`."""
_USAGE = {
    "object": "organization.usage.completions.result", "model": SEED_MODEL, "num_model_requests": 1,
    "input_tokens": 520, "input_cached_tokens": 0, "output_tokens": 741,
}  # fmt: skip
_BUCKET = {"object": "bucket", "start_time": _BILLED_DAY_S, "end_time": _BILLED_DAY_S + 86_400, "results": [_USAGE]}
_COSTS = (
    "start_time,end_time,amount_value,amount_currency,line_item,project_id\n"
    f'{_BILLED_DAY_S},{_BILLED_DAY_S + 86_400},0.0104,usd,"gpt-5.2, output",proj_abc\n'
)
_BIGQUERY_ROW = {
    "sku": {"description": "Gemini 2.5 Flash GA Text Input - Predictions"}, "cost": 0.03, "currency": "USD",
    "usage_start_time": "2026-11-20T08:00:00Z", "usage": {"amount": 100000, "unit": "count"}, "cost_type": "regular",
}  # fmt: skip
_EMPTY_BATCH = base64.b64encode(json.dumps({"post": [], "patch": []}).encode()).decode()
FILES: dict[str, dict[str, str]] = {
    "how-to/from-langsmith.md": {"langsmith-export/runs.jsonl": json.dumps(IMPORTED)},
    "how-to/export-import.md": {
        # Another run: pages are read at once, and a run belongs to the project it came to first.
        "langsmith-export/runs.jsonl": json.dumps(IMPORTED).replace("000000000002", "000000000003"),
        "spans.jsonl": json.dumps({"resourceSpans": []}),
        "failed-traces/trace_1.json": json.dumps(
            {"endpoint": "x/runs/batch", "headers": {}, "body_base64": _EMPTY_BATCH}
        ),
    },
    "how-to/reconcile.md": {
        "usage.json": json.dumps({"object": "page", "data": [_BUCKET], "has_more": False, "next_page": None}),
        "cost.csv": _COSTS,
        "billing.jsonl": json.dumps(_BIGQUERY_ROW),
    },
    "how-to/run.md": {"app.py": "", "shop/worker.py": "", "shop/__init__.py": ""},
    "eco2.md": {"lines.jsonl": '{"message": "안녕"}\n'},
}
"""Files that a page takes for the reader's own."""
TYPED = {"how-to/security.md": "a password of some length\n"}
"""What is typed when a command asks."""
UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\bTRACE_ID\b")


@dataclass(frozen=True, slots=True)
class Outcome:
    page: str
    code: int
    log: str


@dataclass(frozen=True, slots=True)
class Reader:
    """Has a server, a simulator and a folder for each page."""

    url: str
    simulator_url: str
    spare_url: str
    """A simulator for the page that makes it fail."""
    folder: Path

    def runnable(self) -> list[Path]:
        return [page for page in PAGES if any(_runs(block) for block in blocks(page))]

    def read(self, page: Path) -> Outcome:
        name = name_of(page)
        place = self.folder / name.replace("/", "-").removesuffix(".md")
        place.mkdir()
        install(place / "bin")
        for link in ("deploy", "docs"):
            (place / link).symlink_to(ROOT / link)
        for file, text in FILES.get(name, {}).items():
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            (place / file).write_text(text)
        (place / ".curlrc").write_text("fail-with-body\n")
        code = TOO_LONG
        script = self._script(name, list(blocks(page)), place)
        with (place / "log").open("wb") as log, contextlib.suppress(subprocess.TimeoutExpired):
            code = subprocess.run(
                ["bash", "-c", script],
                cwd=place,
                env=self._environment(name, place),
                input=TYPED.get(name, "").encode(),
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=TIMEOUT_S,
                check=False,
            ).returncode
        return Outcome(name, code, (place / "log").read_text(errors="replace")[-3_000:])

    def _script(self, name: str, shown: list[Block], place: Path) -> str:
        lines = ["set -eu -o pipefail"]
        parts = [block for block in shown if block.language == "python" and block.title is None]
        for block in shown:
            told = "\n".join(line for line in block.commands.splitlines() if not _skipped(line))
            text = self._here(name, told)
            if block.title is not None:
                lines += [f"cat > {block.title} <<'END OF FILE'", text.rstrip("\n"), "END OF FILE"]
            elif block.language in SHELL:
                text = UUID.sub(str(SEED["trace_id"]), text)
                lines += [f"echo '— line {block.line}'", text]
            elif block.language == "js":
                (place / "page.mjs").write_text(text)
                lines += [f"echo '— line {block.line}'", "node page.mjs"]
            elif parts and block is parts[-1]:
                whole = "\n".join([BEFORE.get(name, ""), *(self._here(name, part.text) for part in parts)])
                (place / "page.py").write_text(whole)
                lines += [f"echo '— line {block.line}'", f"python {place / 'page.py'}"]
        return "\n".join([*lines, "wait"])

    def _here(self, name: str, text: str) -> str:
        # A second server, there; and faults strike nobody else's calls.
        others = {"how-to/export-import.md": self.url, "simulator.md": self.spare_url}
        other = others.get(name, self.simulator_url)
        for port, url in (("8700", self.url), ("8701", other), ("8720", self.simulator_url)):
            text = text.replace(f"http://127.0.0.1:{port}", url)
        return text.replace("https://tokens.example.com", self.url)

    def _environment(self, name: str, place: Path) -> dict[str, str]:
        ours = ("LANGSMITH_", "LANGCHAIN_", "EVERYTOKEN_", "OTEL_", "OPENAI_", "GOOGLE_", "ECO2_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        return kept | {
            "PATH": f"{place / 'bin'}{os.pathsep}{kept['PATH']}",
            "REAL_PATH": kept["PATH"],
            "SERVER_OF_TESTS": self.url,
            "PYTHONPATH": str(ROOT),
            "HOME": str(place),
            "EVERYTOKEN_DATA": str(place / "data"),
            "EVERYTOKEN_STRICT": "1",
            "LANGSMITH_ENDPOINT": self.url,
            "LANGSMITH_API_KEY": "local",
            "LANGSMITH_PROJECT": project_of(name),
            "OPENAI_BASE_URL": f"{self.simulator_url}/v1",
            "OPENAI_API_KEY": "simulated",
            "OPENAI_AGENTS_DISABLE_TRACING": "1",
            "GOOGLE_GEMINI_BASE_URL": self.simulator_url,
            "GOOGLE_API_KEY": "simulated",
        }


def project_of(page: str) -> str:
    return page.removesuffix(".md").replace("/", "-")


def _runs(block: Block) -> bool:
    return block.language in SHELL | {"python", "js"}


def _skipped(line: str) -> bool:
    return line.strip().startswith(tuple(NOT_RUN))
