"""What a dashboard refuses: without the token, from another page, by another name, too large."""

import pytest
from fake_line import BEARER, FROM_PAGE, TOKEN, sign_in

from slsg_edge.line.settings.line import HttpSettings

CHANGE = {"value": "0.6", "by": "Ada", "why": "fewer false alarms"}
PATH = "/stations/cap/threshold"


def test_the_token_changes_a_threshold(line, client_of):
    answer = client_of().post(PATH, data=CHANGE, headers=BEARER)
    assert (answer.status_code, answer.json()) == (200, {"done": True})
    assert line.changes == [("cap", 0.6, "Ada", "fewer false alarms")]


def test_json_does_as_a_form_does(line, client_of):
    answer = client_of().post(PATH, json={**CHANGE, "value": 0.6}, headers=BEARER)
    assert answer.status_code == 200
    assert line.changes == [("cap", 0.6, "Ada", "fewer false alarms")]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": TOKEN},
        {"authorization": f"Bearer {TOKEN}x"},
        {"cookie": f"slsg-edge={TOKEN}"},
    ],
)
def test_without_the_token_nothing_changes(line, client_of, headers):
    client = client_of()
    record = line.inspect("cap", 0.9)
    for path in (PATH, f"/rejects/{record.id}/label", "/rejects/export"):
        answer = client.post(path, data={**CHANGE, "label": "good"}, headers=headers)
        assert answer.status_code == 401, path
    assert not line.changes
    assert not line.kept_outbox.marked
    assert not (line.folder / "audit.jsonl").exists()


@pytest.mark.parametrize("headers", [BEARER, {"authorization": "Bearer None"}, FROM_PAGE])
def test_a_line_without_a_token_cannot_be_changed_and_says_how(line, client_of, headers):
    client = client_of(token=None)
    answer = client.post(PATH, data=CHANGE, headers={**headers, "accept": "text/html"})
    assert answer.status_code == 403
    assert "[http]" in answer.text
    assert "[http]" in client.get("/enter").text
    assert "token" in client.get(f"{PATH}?value=0.6").text
    assert not line.changes


def test_an_empty_token_is_none(line, client_of):
    answer = client_of(token="").post(PATH, data=CHANGE, headers={"authorization": "Bearer "})
    assert answer.status_code == 403
    assert not line.changes


def test_who_signed_in_may_change_from_the_page(line, client_of):
    client = client_of()
    entered = sign_in(client)
    assert entered.status_code == 303
    cookie = entered.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert TOKEN not in cookie
    assert client.post(PATH, data=CHANGE, headers=FROM_PAGE).status_code == 303
    assert line.changes == [("cap", 0.6, "Ada", "fewer false alarms")]
    client.post("/leave", headers=FROM_PAGE)
    assert client.post(PATH, data=CHANGE, headers=FROM_PAGE).status_code == 401


def test_a_cookie_is_worth_nothing_after_signing_out(line, client_of):
    client = client_of()
    sign_in(client)
    kept = dict(client.cookies)
    client.post("/leave", headers=FROM_PAGE)
    client.cookies.update(kept)
    assert client.post(PATH, data=CHANGE, headers=FROM_PAGE).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:9999"},
        {"origin": "http://localhost.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://localhost", "sec-fetch-site": "cross-site"},
    ],
)
def test_another_page_cannot_change_anything(line, client_of, headers):
    client = client_of()
    sign_in(client)
    answer = client.post(PATH, data=CHANGE, headers=headers)
    assert answer.status_code == 403
    answer = client.post("/enter", data={"who": "Eve", "token": TOKEN}, headers=headers)
    assert answer.status_code == 403
    assert not line.changes


def test_a_cookie_alone_without_a_word_of_the_browser_changes_nothing(line, client_of):
    client = client_of()
    sign_in(client)
    assert client.post(PATH, data=CHANGE).status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:80", "10.0.0.3", "", "["])
def test_another_name_for_this_machine_gets_nothing(line, client_of, host):
    client = client_of()
    for path in ("/", "/api/status", "/metrics", "/stations/cap/picture.jpg"):
        assert client.get(path, headers={"host": host}).status_code == 403, path


@pytest.mark.parametrize("host", ["localhost", "localhost:8420", "127.0.0.1:8420", "[::1]:8420"])
def test_names_of_loopback_are_answered(client_of, host):
    assert client_of().get("/api/status", headers={"host": host}).status_code == 200


def test_a_line_on_the_network_is_called_by_any_name(line, client_of):
    line.http = HttpSettings(host="0.0.0.0")
    assert client_of().get("/api/status", headers={"host": "line3.factory"}).status_code == 200


@pytest.mark.parametrize(
    "method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "MADE"]
)
def test_other_methods_are_refused(client_of, method):
    client = client_of()
    for path in ("/", PATH, "/no-such-page"):
        assert client.request(method, path, headers=BEARER).status_code == 405


def test_a_change_is_never_made_by_looking(line, client_of):
    record = line.inspect("cap", 0.9)
    client = client_of()
    for path in (f"/rejects/{record.id}/label?label=good", "/rejects/export", "/leave"):
        assert client.get(path, headers=BEARER).status_code in (404, 405)
    client.get(f"{PATH}?value=0.6&by=Ada&why=because", headers=BEARER)
    assert not line.changes
    assert not line.kept_outbox.marked


def test_bodies_are_bounded(line, client_of):
    client = client_of()
    large = {**CHANGE, "why": "x" * 20_000}
    assert client.post(PATH, data=large, headers=BEARER).status_code == 413
    pieces = (b"why=" + b"x" * 1000 for _ in range(100))
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert client.post(PATH, content=pieces, headers={**BEARER, **kind}).status_code == 400
    assert not line.changes


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"[1, 2]", "application/json"),
        (b'{"value": {"a": 1}}', "application/json"),
        (b"[" * 10_000, "application/json"),
        (b"\xff\xfe=1", "application/x-www-form-urlencoded"),
        (b"&".join(b"a=1" for _ in range(100)), "application/x-www-form-urlencoded"),
        (b"value=0.6", "text/plain"),
        (b"value=0.6", "multipart/form-data"),
        (b"", ""),
    ],
)
def test_what_is_no_form_gets_a_sentence(line, client_of, content, kind):
    answer = client_of().post(PATH, content=content, headers={**BEARER, "content-type": kind})
    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")
    assert not line.changes


def test_wrong_tokens_have_to_wait(line, client_of):
    client = client_of()
    for _ in range(10):
        wrong = client.post(PATH, data=CHANGE, headers={"authorization": "Bearer no"})
        assert wrong.status_code == 401
    assert client.post(PATH, data=CHANGE, headers=BEARER).status_code == 429
    assert sign_in(client).status_code == 429
    assert not line.changes


@pytest.mark.parametrize(
    ("back", "goes"),
    [
        ("/stations/cap/threshold?value=0.6", "/stations/cap/threshold?value=0.6"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("", "/"),
    ],
)
def test_signing_in_leads_to_a_page_of_ours(client_of, back, goes):
    form = {"who": "Ada", "token": TOKEN, "next": back}
    answer = client_of().post("/enter", data=form, headers=FROM_PAGE)
    assert answer.headers["location"] == goes


def test_signing_in_takes_a_name_and_the_right_token(client_of):
    client = client_of()
    for form, status in (
        ({"who": "", "token": TOKEN}, 400),
        ({"who": "x" * 100, "token": TOKEN}, 400),
        ({"who": "Ada", "token": "wrong"}, 403),
        ({"who": "Ada", "token": "w\u00f6rng"}, 403),
        ({"who": "Ada"}, 403),
    ):
        answer = client.post("/enter", data=form, headers=FROM_PAGE)
        assert answer.status_code == status
        assert "set-cookie" not in answer.headers


def test_every_answer_lets_a_browser_do_no_more_than_it_must(line, client_of):
    client = client_of()
    line.inspect("cap", 0.9)
    for path in ("/", "/metrics", "/stations/cap/picture.jpg", "/no-such-page", "/health/live"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
