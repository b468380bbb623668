"""The Gemini scenarios with what else is in use: google-genai 2.x, LangChain's models for it, and aiohttp.

Each is installed into a temporary folder that its own process imports first. Needs a package index, or uv's cache.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

UV = Path(sys.executable).with_name("uv")
ROOT = Path(__file__).parents[2]
PROBE = (
    "import google.genai, importlib.util; print(google.genai.__version__, bool(importlib.util.find_spec('aiohttp')))"
)


def _in(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path[:0], str(ROOT)])}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout


def _installed(folder: Path, *packages: str) -> Path:
    command = [str(UV), "pip", "install", "--quiet", "--python", sys.executable, "--target", str(folder), *packages]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"could not install {packages}: {done.stderr[-1_000:]}"
    return folder


def _losses(folder: Path) -> dict[str, Any]:
    told = json.loads(_in(folder, "-m", "tests.recorded.matrix", "--json", "google-genai"))
    assert len(told) > 30
    return {one["key"]: one["losses"] for one in told if one["losses"]}


@pytest.mark.timeout(300)
def test_the_previous_major_of_google_genai_is_counted_alike(tmp_path: Path) -> None:
    folder = _installed(tmp_path, "--no-deps", "google-genai==2.34.*")
    assert _in(folder, "-c", PROBE).startswith("2.34.")
    assert _losses(folder) == {}


@pytest.mark.timeout(300)
def test_langchains_gemini_models_are_counted_once_and_right(tmp_path: Path) -> None:
    # It needs google-genai 2.x, so it is not among what `make setup` installs.
    folder = _installed(
        tmp_path, "--no-deps", "langchain-google-genai==4.4.*", "google-genai==2.34.*", "filetype==1.2.*"
    )
    measuring = ("-m", "tests.recorded.matrix", "--apart", "--json", "langchain-google-genai")
    told = json.loads(_in(folder, *measuring))
    assert {one["key"]: one["losses"] for one in told if one["losses"]} == {}
    assert len(told) == 18
    unseen = {one["key"] for one in json.loads(_in(folder, *measuring, "--off")) if one["losses"]}
    assert {f"langchain-google-genai: {name} (sync)" for name in ("invoke, tracer off", "embeddings")} <= unseen


@pytest.mark.timeout(300)
def test_google_genai_on_aiohttp_is_counted_alike(tmp_path: Path) -> None:
    folder = _installed(tmp_path, "aiohttp>=3.12,<4")
    assert _in(folder, "-c", PROBE).strip() == "3.4.0 True"
    assert _losses(folder) == {}
