"""V1: versions against the ranges the package declares."""

from everytoken.doctor.versions import check_versions

RANGES = ("langsmith<1,>=0.8", "openai<4,>=2; extra == 'openai'", "httpx>=0.28; extra == 'server'")


def test_versions_in_range_are_one_line() -> None:
    (finding,) = check_versions({"langsmith": "0.15.0", "openai": "3.54.0"}.get, lambda: RANGES)
    assert (finding.id, finding.verdict, finding.evidence) == ("V1", "ok", "langsmith 0.15.0, openai 3.54.0")


def test_a_version_out_of_range_is_a_problem_with_its_own_cure() -> None:
    problem, fit = check_versions({"langsmith": "0.15.0", "openai": "4.0.0"}.get, lambda: RANGES)
    assert (problem.verdict, problem.evidence) == ("problem", "openai 4.0.0, tested <4,>=2")
    assert problem.cure == "pip install 'openai<4,>=2'"
    assert fit.evidence == "langsmith 0.15.0"


def test_what_is_not_installed_is_not_in_use() -> None:
    (finding,) = check_versions({}.get, lambda: RANGES)
    assert finding.verdict == "skipped"


def test_the_package_itself_declares_a_range_for_each_watched_sdk() -> None:
    (finding,) = check_versions()
    assert finding.verdict == "ok"
    assert [part.split()[0] for part in finding.evidence.split(", ")] == [
        "langsmith", "langchain-core", "langgraph", "openai", "openai-agents", "google-genai",
    ]  # fmt: skip
