"""V1: versions against the ranges the package declares."""

from collections.abc import Callable, Mapping, Sequence

from everytoken.doctor.finding import Finding
from everytoken.doctor.versions import check_versions

RANGES = ("langsmith<1,>=0.8", "openai<4,>=2; extra == 'openai'", "httpx>=0.28; extra == 'server'")


def checked(installed: Mapping[str, str], required: Callable[[], Sequence[str]]) -> list[Finding]:
    def version(name: str) -> str | None:
        return installed.get(name)

    return check_versions(version, required)


def test_versions_in_range_are_one_line() -> None:
    (finding,) = checked({"langsmith": "0.15.0", "openai": "3.54.0"}, lambda: RANGES)
    assert (finding.id, finding.verdict, finding.evidence) == ("V1", "ok", "langsmith 0.15.0, openai 3.54.0")


def test_a_version_out_of_range_is_a_problem_with_its_own_cure() -> None:
    problem, fit = checked({"langsmith": "0.15.0", "openai": "4.0.0"}, lambda: RANGES)
    assert (problem.verdict, problem.evidence) == ("problem", "openai 4.0.0, tested <4,>=2")
    assert problem.cure == "pip install 'openai<4,>=2'"
    assert fit.evidence == "langsmith 0.15.0"


def test_what_is_not_installed_is_not_in_use() -> None:
    (finding,) = checked({}, lambda: RANGES)
    assert finding.verdict == "skipped"


def test_the_package_itself_declares_a_range_for_each_watched_sdk() -> None:
    (finding,) = check_versions()
    assert finding.verdict == "ok"
    assert [part.split()[0] for part in finding.evidence.split(", ")] == [
        "langsmith", "langchain-core", "langgraph", "openai", "openai-agents", "google-genai",
    ]  # fmt: skip
