"""LangSmith's read API, asked by the published client for JavaScript, as it is, of a real server process."""

import json
import subprocess
from pathlib import Path

from tests.docs.stand_in import NPM_LANGSMITH
from tests.store.serving import environment, serving

SCRIPT = Path(__file__).with_name("langsmith_reads.mjs")
INSTALL = ["npm", "install", "--no-save", "--no-audit", "--no-fund", "--silent", "--prefer-offline", NPM_LANGSMITH]


def test_the_javascript_client_reads_what_it_sent(tmp_path: Path) -> None:
    subprocess.run(INSTALL, cwd=tmp_path, check=True, timeout=120)
    with serving(tmp_path / "data") as server:
        done = subprocess.run(
            ["node", str(SCRIPT), str(tmp_path), server.url],
            capture_output=True, text=True, env=environment(), timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert "keeps no annotation queues" in told.pop("queues")
    assert told == {
        "runs": [["chat", 59, "0.00025025"]],  # 47 in at $1.75/M and 12 out at $14/M
        "ofExample": 0,
        "children": ["model"],
        "tokens": 59,
        "made": "js-made",
        "projects": [["js", 59], ["js-made", 0]],
        "known": [True, False],
        "sameLink": True,
        "shared": ["chat", "model"],
        "sharedById": ["model"],
        "unshared": True,
        "thread": ["chat"],
        "threads": [["t-1", 1]],
        "groups": [["t-1", 1]],
        "feedback": [0.5],
        "feedbackTokens": 1,
        "configs": ["stars"],
        "v2": ["model", "chat"],
        "streamed": ["model", "chat"],
        "v2threads": [["t-1", 59]],
        "dataset": False,
    }
