"""Logging in to a real server: cookies, other sites' pages, wrong passwords, other hosts."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.store.serving import Server, serving

from everytoken.config import Settings
from everytoken.store.control import Control
from everytoken.store.keys import Scope
from everytoken.store.users import UserError

OURS = "/everytoken/v1"
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("login") / "data"
    with serving(data) as server:
        for name in ("minji", "throttled"):
            scopes = ["read", "admin"] if name == "minji" else ["read"]
            body = {"password": PASSWORD, "scopes": scopes}
            headers = {} if name == "minji" else {"cookie": log_in(server)}
            answer = server.http.put(f"{OURS}/users/{name}", json=body, headers={**headers, **own(server)})
            assert answer.status_code == 200, answer.text
        server.http.cookies.clear()
        yield server


def own(server: Server) -> dict[str, str]:
    return {"origin": server.url}


def log_in(server: Server, name: str = "minji", password: str = PASSWORD) -> str:
    answer = server.http.post(f"{OURS}/session", json={"name": name, "password": password}, headers=own(server))
    server.http.cookies.clear()
    assert answer.status_code == 200, answer.text
    return str(answer.headers["set-cookie"].partition(";")[0])


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(guarded: Server) -> None:
    body = {"name": "minji", "password": PASSWORD}
    answer = guarded.http.post(f"{OURS}/session", json=body, headers=own(guarded))
    guarded.http.cookies.clear()
    attributes = {piece.strip().lower() for piece in answer.headers["set-cookie"].split(";")[1:]}
    assert attributes == {"httponly", "max-age=604800", "path=/", "samesite=strict"}
    assert answer.json()["who"] == "user:minji"


@pytest.mark.parametrize(
    "said", [{"x-forwarded-proto": "https"}, {"x-forwarded-proto": "HTTPS, http"}, {"origin": "https://HOST"}]
)
def test_behind_a_proxy_that_ends_tls_the_cookie_goes_over_https_alone(guarded: Server, said: dict[str, str]) -> None:
    """The address of a proxy in a cluster is none that uvicorn trusts by itself: its word is believed here."""
    headers = {name: value.replace("HOST", guarded.url.removeprefix("http://")) for name, value in said.items()}
    body = {"name": "minji", "password": PASSWORD}
    answer = guarded.http.post(f"{OURS}/session", json=body, headers={**headers, "x-forwarded-for": "10.0.0.9"})
    guarded.http.cookies.clear()
    attributes = {piece.strip().lower() for piece in answer.headers["set-cookie"].split(";")[1:]}
    assert attributes == {"httponly", "max-age=604800", "path=/", "samesite=strict", "secure"}
    out = guarded.http.delete(f"{OURS}/session", headers={**headers, "origin": headers.get("origin", guarded.url)})
    assert "secure" in out.headers["set-cookie"].lower()


def test_another_login_in_the_same_browser_ends_the_one_before(guarded: Server) -> None:
    first = log_in(guarded)
    body = {"name": "minji", "password": PASSWORD}
    answer = guarded.http.post(f"{OURS}/session", json=body, headers={**own(guarded), "cookie": first})
    guarded.http.cookies.clear()
    second = answer.headers["set-cookie"].partition(";")[0]
    assert second != first
    assert guarded.http.get(f"{OURS}/projects", headers={"cookie": second}).status_code == 200
    assert guarded.http.get(f"{OURS}/projects", headers={"cookie": first}).status_code == 401


def test_a_cookie_that_somebody_else_chose_is_never_a_login(guarded: Server) -> None:
    chosen = "everytoken_session=chosen-by-a-stranger-for-his-victim"
    body = {"name": "minji", "password": PASSWORD}
    answer = guarded.http.post(f"{OURS}/session", json=body, headers={**own(guarded), "cookie": chosen})
    guarded.http.cookies.clear()
    assert answer.headers["set-cookie"].partition(";")[0] != chosen
    assert guarded.http.get(f"{OURS}/projects", headers={"cookie": chosen}).status_code == 401


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", ""]
)
def test_a_form_of_another_site_changes_nothing_whatever_it_calls_its_body(guarded: Server, content_type: str) -> None:
    """What a page can send unasked, to a route that reads its body as JSON: refused by where it comes from."""
    cookie = log_in(guarded)
    for method, path in (
        ("POST", "/runs"),
        ("POST", f"{OURS}/keys"),
        ("POST", f"{OURS}/session"),
        ("PATCH", "/runs/x"),
    ):
        for origin in ("https://evil.example", "null"):
            headers = {"cookie": cookie, "origin": origin, "content-type": content_type}
            answer = guarded.http.request(method, path, content=b'{"name": "k"}', headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "other_site")


def test_a_login_with_a_key_given_from_outside_ends_when_another_is_given(tmp_path: Path) -> None:
    """Whoever took the old key may have logged in with it."""
    old, new = "the-old-key-that-leaked-out", "the-new-key-that-did-not-yet"
    with serving(tmp_path / "data", EVERYTOKEN_ADMIN_KEY=old) as server:
        answer = server.http.post(f"{OURS}/session", json={"key": old})
        cookie = {"cookie": answer.headers["set-cookie"].partition(";")[0]}
        server.http.cookies.clear()
        assert server.http.get(f"{OURS}/projects", headers=cookie).status_code == 200
    with serving(tmp_path / "data", EVERYTOKEN_ADMIN_KEY=old) as server:
        assert server.http.get(f"{OURS}/projects", headers=cookie).status_code == 200
    with serving(tmp_path / "data", EVERYTOKEN_ADMIN_KEY=new) as server:
        assert server.http.get(f"{OURS}/projects", headers=cookie).status_code == 401


def test_a_login_reads_until_it_logs_out(guarded: Server) -> None:
    cookie = log_in(guarded)
    headers = {"cookie": cookie}
    assert guarded.http.get(f"{OURS}/projects", headers=headers).status_code == 200
    assert guarded.http.delete(f"{OURS}/session", headers={**headers, **own(guarded)}).status_code == 200
    assert guarded.http.get(f"{OURS}/projects", headers=headers).status_code == 401
    assert guarded.http.get(f"{OURS}/session", headers=headers).json()["logged_in"] is False


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:1"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
    ],
)
def test_a_change_with_a_cookie_comes_from_our_own_page(guarded: Server, headers: dict[str, str], status: int) -> None:
    sent = {"cookie": log_in(guarded), **headers}
    assert guarded.http.post(f"{OURS}/flush", headers=sent).status_code == status


def test_a_cookie_of_nobody_opens_nothing(guarded: Server) -> None:
    for cookie in ("everytoken_session=x", "everytoken_session=", "everytoken_session", "a=b; ;;="):
        headers = {"cookie": cookie}
        assert guarded.http.get(f"{OURS}/projects", headers=headers).status_code == 401


def test_a_key_logs_in_and_its_login_ends_with_it(guarded: Server) -> None:
    admin = {"cookie": log_in(guarded), **own(guarded)}
    made = guarded.http.post(f"{OURS}/keys", json={"name": "page", "scopes": ["read"]}, headers=admin).json()
    answer = guarded.http.post(f"{OURS}/session", json={"key": made["text"]}, headers=own(guarded))
    guarded.http.cookies.clear()
    assert answer.json()["who"] == f"key:{made['key']['key_id']}"
    headers = {"cookie": answer.headers["set-cookie"].partition(";")[0]}
    assert guarded.http.get(f"{OURS}/projects", headers=headers).status_code == 200
    assert guarded.http.get(f"{OURS}/keys", headers=headers).status_code == 403
    guarded.http.delete(f"{OURS}/keys/{made['key']['key_id']}", headers=admin)
    assert guarded.http.get(f"{OURS}/projects", headers=headers).status_code == 401


def test_a_key_that_may_only_send_does_not_log_in(guarded: Server) -> None:
    admin = {"cookie": log_in(guarded), **own(guarded)}
    made = guarded.http.post(f"{OURS}/keys", json={"name": "app", "scopes": ["ingest"]}, headers=admin).json()
    answer = guarded.http.post(f"{OURS}/session", json={"key": made["text"]}, headers=own(guarded))
    assert answer.status_code == 401
    log_in(guarded)  # and forgets the wrong try


def test_wrong_passwords_cost_time_the_right_one_too(guarded: Server) -> None:
    body = {"name": "throttled", "password": "wrong horse battery"}
    seen = [guarded.http.post(f"{OURS}/session", json=body, headers=own(guarded)) for _ in range(6)]
    assert [answer.status_code for answer in seen] == [401] * 5 + [429]
    assert 1 <= int(seen[5].headers["retry-after"]) <= 5
    right = guarded.http.post(f"{OURS}/session", json={**body, "password": PASSWORD}, headers=own(guarded))
    assert right.status_code == 429
    time.sleep(int(right.headers["retry-after"]))  # the tests that follow come from the same address


@pytest.mark.parametrize(("trusted", "last"), [("", 429), ("10.0.0.1, 127.0.0.0/8", 401)])
def test_behind_a_trusted_proxy_wrong_tries_count_for_who_made_them(tmp_path: Path, trusted: str, last: int) -> None:
    """Else one stranger at the login of a cluster shuts out all who come by the same proxy."""
    given = {"EVERYTOKEN_ADMIN_KEY": "a-key-given-from-outside"}
    if trusted:
        given["EVERYTOKEN_TRUSTED_PROXIES"] = trusted
    with serving(tmp_path / "data", **given) as server:
        proxy = httpx.HTTPTransport(local_address="127.0.0.2")  # no address that is trusted by itself
        with httpx.Client(base_url=server.url, transport=proxy, timeout=30) as client:
            seen = [
                client.post(f"{OURS}/session", json={"key": "wrong"}, headers={"x-forwarded-for": f"203.0.113.{n}"})
                for n in range(6)
            ]
        assert [answer.status_code for answer in seen] == [401] * 5 + [last]


def test_a_page_is_served_to_everybody_and_says_nothing(guarded: Server) -> None:
    page = guarded.http.get("/projects/shop/traces", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_every_answer_says_that_it_is_no_page_and_is_not_to_be_kept(guarded: Server) -> None:
    headers = {"cookie": log_in(guarded)}
    asked = [
        ("GET", f"{OURS}/projects", 200), ("GET", f"{OURS}/nothing", 404), ("GET", f"{OURS}/charges", 400),
        ("GET", "/sessions", 200), ("GET", "/ok", 200), ("GET", f"{OURS}/openapi.json", 200), ("POST", "/runs", 403),
    ]  # fmt: skip
    for method, path, status in asked:
        answer = guarded.http.request(method, path, headers=headers)
        assert answer.status_code == status, path
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert answer.headers["cache-control"] == "no-store", path
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'", path
    refused = guarded.http.get(f"{OURS}/projects")
    assert (refused.status_code, refused.headers["x-content-type-options"]) == (401, "nosniff")
    page = guarded.http.get("/", headers={"accept": "text/html"})
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers.get_list("content-security-policy")[0].startswith("default-src 'none'; script-src 'self'")
    assert len(page.headers.get_list("content-security-policy")) == 1


def test_an_open_server_answers_to_its_own_names_alone(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        port = httpx.URL(server.url).port
        for host, status in (
            ("evil.example", 403),
            (f"evil.example:{port}", 403),
            ("127.0.0.1.evil.example", 403),
            ("", 403),
            ("localhost", 200),
            (f"everytoken.localhost:{port}", 200),
            (f"[::1]:{port}", 200),
        ):
            assert server.http.get(f"{OURS}/projects", headers={"host": host}).status_code == status, host
        cross = {"origin": "https://evil.example"}
        assert server.http.post("/runs", json={}, headers=cross).status_code == 403
        assert server.http.post("/runs", json={}).status_code == 422
        assert server.http.get(f"{OURS}/session").json()["guarded"] is False


def test_allowed_hosts_and_a_limit_for_every_key_are_settings(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with serving(
        tmp_path / "data", EVERYTOKEN_ALLOWED_HOSTS="tokens.example", EVERYTOKEN_KEY_REQUESTS_PER_MINUTE="2"
    ) as server:
        assert server.http.get(f"{OURS}/projects", headers={"host": "tokens.example"}).status_code == 200
        assert server.http.get(f"{OURS}/projects", headers={"host": "evil.example"}).status_code == 403
        text = server.http.post(f"{OURS}/keys", json={"name": "k", "scopes": ["read"]}).json()["text"]
        seen = [server.http.get(f"{OURS}/projects", headers={"x-api-key": text}).status_code for _ in range(3)]
        assert seen == [200, 200, 429]


def test_a_user_removed_by_the_command_line_is_gone_when_the_server_starts(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data):
        pass
    control = Control.open(Settings(data=data))
    control.users.put("minji", PASSWORD, frozenset({Scope.READ}))
    control.close()
    with serving(data) as server:
        assert server.http.get(f"{OURS}/projects").status_code == 401
        headers = {"cookie": log_in(server)}
        assert server.http.get(f"{OURS}/projects", headers=headers).status_code == 200


def test_the_last_user_stays_while_there_is_no_key(tmp_path: Path) -> None:
    """Without both the server would be open to everybody again, and nobody would have said so."""
    data = tmp_path / "data"
    with serving(data):
        pass
    control = Control.open(Settings(data=data))
    control.users.put("minji", PASSWORD, frozenset({Scope.READ, Scope.ADMIN}))
    with pytest.raises(UserError, match="last user"):
        control.remove_user("minji")
    control.close()
    with serving(data) as server:
        headers = {"cookie": log_in(server), "origin": server.url}
        kept = server.http.delete(f"{OURS}/users/minji", headers=headers)
        assert (kept.status_code, kept.json()["hint"]) == (409, "make a key of the scope admin first")
        assert server.http.get(f"{OURS}/projects").status_code == 401
        key = server.http.post(f"{OURS}/keys", json={"name": "k", "scopes": ["admin"]}, headers=headers).json()["text"]
        assert server.http.delete(f"{OURS}/users/minji", headers={"x-api-key": key}).status_code == 200
        assert server.http.get(f"{OURS}/projects").status_code == 401
