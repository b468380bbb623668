"""N1, N2: whether the tracing endpoint and the providers can be reached from here, and whether the key is taken."""

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx

from everytoken.doctor.environment import Environment, api_key, endpoint
from everytoken.doctor.finding import Finding, bare, ok, skipped

TIMEOUT_S = 5.0
Resolve = Callable[[str, int], object]

PROVIDERS: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("OpenAI", "https://api.openai.com/v1", ("OPENAI_BASE_URL",), ("OPENAI_API_KEY",)),
    (
        "Gemini",
        "https://generativelanguage.googleapis.com",
        ("GOOGLE_GEMINI_BASE_URL", "GOOGLE_BASE_URL"),
        ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    ),
    ("Kakao", "https://dapi.kakao.com", ("KAKAO_BASE_URL",), ("KAKAO_REST_API_KEY",)),
    ("KMA", "https://apis.data.go.kr", ("KMA_BASE_URL",), ("KMA_API_KEY",)),
    ("MOIS", "https://apis.data.go.kr", ("MOIS_BASE_URL",), ("MOIS_WASTE_API_KEY", "MOIS_API_KEY")),
    ("KECO", "https://api.odcloud.kr", ("KECO_BASE_URL",), ("KECO_API_KEY",)),
)
"""Name, address, variables that replace the address, variables of the key. A provider with neither is not in use."""


def check_network(
    env: Environment, client: httpx.Client, resolve: Resolve = socket.getaddrinfo, *, providers: bool = True
) -> list[Finding]:
    findings = [_tracing_endpoint(env, client, resolve)]
    return findings + (_providers(env, client, resolve) if providers else [])


def _tracing_endpoint(env: Environment, client: httpx.Client, resolve: Resolve) -> Finding:
    what, url = "The tracing endpoint answers and takes the key", endpoint(env)
    fault = _reach(f"{url}/info", client, resolve)
    if isinstance(fault, Finding):
        return Finding("N1", "problem", what, fault.evidence, fault.cause, fault.cure)
    if fault.status_code >= 400:
        cause = "Something else listens there, or a proxy stands in between."
        return Finding(
            "N1", "problem", what, f"GET {bare(url)}/info: {fault.status_code}", cause, f"curl -i {bare(url)}/info"
        )
    key = api_key(env)
    try:
        status = client.get(
            f"{url}/sessions", params={"limit": 1}, headers={"x-api-key": key} if key else {}
        ).status_code
    except (httpx.HTTPError, UnicodeError) as error:
        return Finding(
            "N1", "problem", what, f"GET {bare(url)}/sessions: {_line(error)}", "The key cannot be sent.", None
        )
    if status in (401, 403):
        cause = "The key is missing, wrong, revoked or of another workspace or region."
        return Finding(
            "N1", "problem", what, f"GET {bare(url)}/sessions: {status}", cause, "export LANGSMITH_API_KEY=lsv2_…"
        )
    return ok("N1", what, f"GET {bare(url)}/info: {fault.status_code}; with the key: {status}")


def _providers(env: Environment, client: httpx.Client, resolve: Resolve) -> list[Finding]:
    used = [
        (name, next((env[variable] for variable in variables if env.get(variable)), url))
        for name, url, variables, keys in PROVIDERS
        if any(env.get(variable) for variable in (*variables, *keys))
    ]
    if not used:
        return [skipped("N2", "Providers can be reached", "no provider has a key or a base URL here")]
    with ThreadPoolExecutor(len(used)) as pool:
        return list(pool.map(lambda one: _provider(one[0], one[1], client, resolve), used))


def _provider(name: str, url: str, client: httpx.Client, resolve: Resolve) -> Finding:
    what = f"{name} can be reached"
    answer = _reach(url, client, resolve)
    if isinstance(answer, Finding):
        return Finding("N2", "problem", what, answer.evidence, answer.cause, answer.cure)
    # Any answer below 500 is the provider's own: without a path and a key it is a 401 or a 404.
    if answer.status_code >= 500:
        return Finding(
            "N2", "problem", what, f"{bare(url)}: {answer.status_code}", "The provider or a proxy fails.", None
        )
    return ok("N2", what, f"{bare(url)}: {answer.status_code}")


def _reach(url: str, client: httpx.Client, resolve: Resolve) -> httpx.Response | Finding:
    """The answer, or what stands in the way, told apart as name, certificate and connection."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        resolve(host, parts.port or 443)
    except (OSError, ValueError) as error:
        cause = "The name does not resolve: a typo, no DNS, or egress to DNS is not allowed."
        return Finding("N", "problem", "", f"{host}: {_line(error)}", cause, f"getent hosts {host}")
    try:
        return client.get(url)
    except httpx.HTTPError as error:
        if "CERTIFICATE" in str(error).upper():
            cause = "A proxy presents its own certificate, or the clock or the CA bundle is wrong."
            return Finding(
                "N", "problem", "", f"{bare(url)}: {_line(error)}", cause, "export SSL_CERT_FILE=/path/to/ca.pem"
            )
        cause = "Nothing answers there; in a mesh with REGISTRY_ONLY egress, the host has no ServiceEntry."
        cure = f"kubectl get serviceentry -A | grep {host}   # or: kubectl apply -k deploy/k8s/overlays/prod"
        return Finding("N", "problem", "", f"{bare(url)}: {_line(error)}", cause, cure)
    except (httpx.InvalidURL, UnicodeError) as error:
        return Finding("N", "problem", "", f"{bare(url)}: {_line(error)}", "The address is not a URL.", None)


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no reason given'}"
