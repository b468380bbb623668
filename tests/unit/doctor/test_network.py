"""N1, N2: reach and key, with a transport in place of the network."""

from collections.abc import Callable

import httpx
import pytest

from everytoken.doctor.finding import Finding
from everytoken.doctor.network import check_network

KEY = "lsv2_pt_0123456789abcdef"
ENV = {"LANGSMITH_API_KEY": KEY}
Handler = Callable[[httpx.Request], httpx.Response]


def resolves(_host: str, _port: int) -> object:
    return []


def no_name(_host: str, _port: int) -> object:
    raise OSError(-2, "Name or service not known")


def check(handler: Handler, env: dict[str, str], resolve: Callable[[str, int], object] = resolves) -> list[Finding]:
    with httpx.Client(transport=httpx.MockTransport(handler)) as client:
        return check_network(env, client, resolve)


def answering(info: int = 200, sessions: int = 200) -> Handler:
    return lambda request: httpx.Response(info if request.url.path == "/info" else sessions)


def failing(error: Exception) -> Handler:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise error

    return fail


def test_an_endpoint_that_answers_and_takes_the_key_is_well() -> None:
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(f"{request.url} {request.headers.get('x-api-key', '-')}")
        return httpx.Response(200)

    assert check(handler, ENV)[0].verdict == "ok"
    assert seen == [
        "https://api.smith.langchain.com/info -",
        f"https://api.smith.langchain.com/sessions?limit=1 {KEY}",
    ]


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_is_a_problem(status: int) -> None:
    finding = check(answering(sessions=status), ENV)[0]
    assert (finding.id, finding.verdict) == ("N1", "problem")
    assert "key is missing, wrong" in (finding.cause or "")
    assert KEY not in str(finding)


def test_a_name_that_does_not_resolve_is_told_apart() -> None:
    finding = check(answering(), ENV, no_name)[0]
    assert finding.verdict == "problem"
    assert "does not resolve" in (finding.cause or "")


def test_a_refused_connection_speaks_of_the_service_entry() -> None:
    finding = check(failing(httpx.ConnectError("connection reset by peer")), ENV)[0]
    assert "ServiceEntry" in (finding.cause or "")


def test_a_wrong_certificate_is_told_apart() -> None:
    finding = check(failing(httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]")), ENV)[0]
    assert finding.cure == "export SSL_CERT_FILE=/path/to/ca.pem"


def test_something_else_behind_the_address_is_a_problem() -> None:
    assert check(answering(info=404), ENV)[0].verdict == "problem"


def test_only_providers_in_use_are_asked_and_no_key_is_sent() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(401)

    env = {"OPENAI_API_KEY": "sk-0123456789", "KAKAO_BASE_URL": "http://kakao.test"}
    findings = check(handler, env)[1:]
    assert [(finding.what, finding.verdict) for finding in findings] == [
        ("OpenAI can be reached", "ok"),
        ("Kakao can be reached", "ok"),
    ]
    assert {request.url.host for request in seen if "authorization" in request.headers} == set()


def test_a_provider_that_is_down_is_a_problem() -> None:
    env = {"OPENAI_API_KEY": "sk-0123456789"}
    assert check(lambda _request: httpx.Response(503), env)[1].verdict == "problem"
    assert check(failing(httpx.ConnectTimeout("timed out")), env)[1].verdict == "problem"


def test_without_providers_there_is_nothing_to_reach() -> None:
    assert check(answering(), ENV)[1].verdict == "skipped"
