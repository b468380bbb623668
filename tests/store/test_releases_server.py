"""Releases as SDKs tell them, against a server: each way in, with only the environment to name the release."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.store.serving import Server, environment, serving

APP = Path(__file__).parent / "release_app.py"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("releases") / "data") as started:
        yield started


@pytest.mark.parametrize(
    ("way", "variables"),
    [
        ("langsmith", {"LANGSMITH_REVISION_ID": "1.4.2"}),
        ("langsmith", {"LANGCHAIN_REVISION_ID": "1.4.2"}),
        ("everytoken-langsmith", {"LANGSMITH_REVISION_ID": "1.4.2"}),
        ("everytoken-otel", {"LANGSMITH_REVISION_ID": "1.4.2"}),
        ("everytoken-otel", {"OTEL_RESOURCE_ATTRIBUTES": "service.version=1.4.2,service.name=shop"}),
    ],
)
def test_a_call_has_the_release_that_the_environment_of_its_application_names(
    server: Server, way: str, variables: dict[str, str]
) -> None:
    project = f"{way} {min(variables)}"
    told = {
        "LANGSMITH_ENDPOINT": server.url,
        "LANGSMITH_API_KEY": "none",
        "LANGSMITH_PROJECT": project,
        "LANGSMITH_TRACING": "true",
    }
    subprocess.run([sys.executable, str(APP), way], check=True, env=environment() | told | variables, timeout=60)

    server.flush()
    (charge,) = server.get("/charges", project=project)["charges"]
    assert charge["release"] == "1.4.2"
    (release,) = server.get(f"/projects/{project}/releases")["releases"]
    assert (release["release"], release["llm_calls"], release["first_us"]) == ("1.4.2", 1, charge["started_at"])
    assert server.get("/traces", project=project, filter='eq(release, "1.4.2")')["traces"][0]["llm_calls"] == 1
    assert server.get("/traces", project=project, filter='eq(release, "1.4.1")')["traces"] == []


def test_a_wrong_limit_of_releases_names_the_field(server: Server) -> None:
    problem = server.get("/projects/default/releases", status=400, limit=0)
    assert problem["field"] == "query.limit"
