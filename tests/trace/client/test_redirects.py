"""Being sent elsewhere: each hop has rows of its own, and what is personal stays where it belongs."""

import json

import pytest

from pellucid.observe import Stage
from pellucid.trace.client.asked import Asked, Ways, plain
from pellucid.trace.client.failure import Failed
from pellucid.web.redact import is_secret
from tests.trace.client.conftest import Asker, facts, stages

SECRETS = (
    ("authorization", "Bearer canary"),
    ("cookie", "a=canary"),
    ("apikey", "canary"),
    ("x-own", "kept"),
    ("pellucid-trace", "full"),
)


async def test_a_redirect_is_followed_only_where_wanted(plain: int) -> None:
    url = f"http://127.0.0.1:{plain}/moved?to=/echo"
    assert (await Asker(Ways())(url)).last.status == 302
    journey = await Asker(Ways(location=True))(url)
    assert [hop.status for hop in journey.hops] == [302, 200]
    assert stages(journey) == [Stage.SEND, Stage.WAIT, Stage.RECEIVE]


@pytest.mark.parametrize(
    ("status", "method", "body"),
    [(301, "GET", ""), (302, "GET", ""), (303, "GET", ""), (307, "POST", "x"), (308, "POST", "x")],
)
async def test_what_becomes_of_method_and_body(status: int, method: str, body: str, plain: int) -> None:
    asker = Asker(Ways(location=True))
    await asker(
        f"http://127.0.0.1:{plain}/moved?to=/echo&status={status}", "POST", ("content-type", "text/plain"), body=b"x"
    )
    echo = json.loads(asker.body)
    assert (echo["method"], echo["body"]) == (method, body)
    assert ("content-type" in echo["headers"]) is (method == "POST")


async def test_credentials_go_nowhere_else(plain: int) -> None:
    asker = Asker(Ways(location=True, resolve={("other.test", plain): ("127.0.0.1",)}))
    await asker(f"http://127.0.0.1:{plain}/moved?to=http://other.test:{plain}/echo", "GET", *SECRETS)
    sent = json.loads(asker.body)["headers"]
    assert (sent["x-own"], sent["pellucid-trace"]) == ("kept", "full")
    assert "canary" not in json.dumps(sent)
    await asker(f"http://127.0.0.1:{plain}/moved?to=/echo", "GET", *SECRETS)
    assert json.loads(asker.body)["headers"]["apikey"] == "canary"


@pytest.mark.parametrize("status", [307, 308])
async def test_nor_do_a_body_and_other_secrets(status: int, plain: int) -> None:
    secrets = [
        (name, "canary")
        for name in ("x-api-key", "X-Auth-Token", "refresh-token", "proxy-authorization", "x-session-id")
    ]
    asker = Asker(Ways(location=True, secret=is_secret, resolve={("other.test", plain): ("127.0.0.1",)}))
    url = f"http://127.0.0.1:{plain}/moved?status={status}&to=http://other.test:{plain}/echo"
    journey = await asker(url, "POST", *secrets, ("content-type", "text/plain"), ("x-own", "kept"), body=b"canary")
    echo = json.loads(asker.body)
    assert (echo["method"], echo["body"], echo["headers"]["x-own"]) == ("POST", "", "kept")
    assert "canary" not in json.dumps(echo)
    assert "content-type" not in echo["headers"]
    left = str(facts(journey, Stage.SEND)["left_behind"])
    assert {"x-api-key", "x-auth-token", "body"} <= set(left.split(", "))


def test_the_same_host_without_tls_is_another_origin() -> None:
    asked = Asked("POST", "https://a.test:8443/x", (("x-api-key", "canary"), ("accept", "*/*")), b"canary")
    moved = asked.followed(307, "http://a.test:8443/y", is_secret)
    assert (moved.headers, moved.body, moved.left) == ((("accept", "*/*"),), None, ("x-api-key", "body"))
    assert asked.followed(307, "/y", is_secret).body == b"canary"
    assert asked.followed(307, "/y", is_secret).left == ()


async def test_a_circle_comes_to_an_end(plain: int) -> None:
    asker = Asker(Ways(location=True, most_hops=3))
    journey = await asker(
        f"http://127.0.0.1:{plain}/moved?to=/moved%3Fto%3D/moved%3Fto%3D/moved%3Fto%3D/moved%3Fto%3D/moved"
    )
    assert asker.failure is not None
    assert len(journey.hops) == 4


async def test_a_redirect_to_nowhere_is_said_so(plain: int) -> None:
    asker = Asker(Ways(location=True))
    journey = await asker(f"http://127.0.0.1:{plain}/moved?to=ftp://127.0.0.1/")
    assert asker.failure is not None
    assert journey.hops[0].status == 302


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("http://Example.COM", "http://example.com/"),
        ("http://user:secret@h.test:8080/a b?c=ä#frag", "http://h.test:8080/a%20b?c=%C3%A4"),
        ("https://[::1]:8443/x%20y", "https://[::1]:8443/x%20y"),
        ("http://bücher.test/", "http://xn--bcher-kva.test/"),
    ],
)
def test_an_address_is_made_fit_for_a_request(written: str, sent: str) -> None:
    assert plain(written) == sent


@pytest.mark.parametrize(
    "written", ["ftp://h/", "http://", "http://h:port/", "mailto:a@b", "http://[::1/", "http://h:99999/"]
)
def test_what_is_no_address_is_refused_without_quoting_it(written: str) -> None:
    with pytest.raises(Failed) as refused:
        plain(written)
    assert written not in refused.value.message


def test_the_host_may_be_named_otherwise() -> None:
    asked = Asked("GET", "http://127.0.0.1:8000/", (("Host", "api.test"),))
    assert (asked.authority, asked.sent_headers()) == ("api.test", [])
