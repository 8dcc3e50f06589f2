"""What is believed of providers, and what is not: ID tokens, addresses, and how each of them words who somebody is."""

from collections.abc import Mapping
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from pellucid.auth.options import ProviderOptions
from pellucid.auth.providers.configuring import ProviderEntry, provider_options
from pellucid.auth.providers.id_token import public_keys, verify
from pellucid.auth.providers.outside import Outside, is_public
from pellucid.auth.providers.people import READERS
from pellucid.auth.providers.presets import PRESETS
from pellucid.auth.providers.provider import configured
from pellucid.errors import ProviderFailed

NOW = 1_800_000_000
ISSUER = "https://id.example.com"
KEY = ECKey.generate_key("P-256", {"kid": "one"})
OTHER = ECKey.generate_key("P-256", {"kid": "one"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
SECRET = OctKey.import_key("the client secret, which is long enough", {"kid": "secret"})
KEYS = public_keys({"keys": [KEY.as_dict(private=False), RSA.as_dict(private=False), SECRET.as_dict(private=True), {}]})
GOOD: Mapping[str, Any] = {
    "iss": ISSUER, "aud": "us", "sub": "ada", "exp": NOW + 300, "iat": NOW, "nonce": "n",
}  # fmt: skip


def claims_of(claims: Mapping[str, Any], header: dict[str, str], key: Any, issuer: str = ISSUER) -> Any:
    token = jwt.encode(header, dict(claims), key, algorithms=[header["alg"]])
    return verify(token, KEYS, issuer=issuer, client_ids=["us"], nonce="n", now=NOW)


@pytest.mark.parametrize(("alg", "key"), [("ES256", KEY), ("RS256", RSA)])
def test_a_good_token_is_believed(alg: str, key: Any) -> None:
    assert claims_of(GOOD, {"alg": alg, "kid": key.kid}, key)["sub"] == "ada"


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://id.example.com/"}, {"iss": "https://evil.example.com"}, {"aud": "them"}, {"aud": ["them"]},
        {"aud": ["us", "them"]}, {"azp": "them"}, {"exp": NOW - 61}, {"exp": None}, {"exp": "soon"}, {"exp": True},
        {"iat": NOW + 61}, {"iat": None}, {"nbf": NOW + 61}, {"nonce": "m"}, {"nonce": None}, {"nonce": 1},
    ],
)  # fmt: skip
def test_a_token_with_a_wrong_claim_is_not(wrong: dict[str, Any]) -> None:
    claims = {name: value for name, value in {**GOOD, **wrong}.items() if value is not None}
    with pytest.raises(ProviderFailed):
        claims_of(claims, {"alg": "ES256", "kid": "one"}, KEY)


def test_nor_is_one_with_another_signature() -> None:
    with pytest.raises(ProviderFailed):
        claims_of(GOOD, {"alg": "ES256", "kid": "one"}, OTHER)


def test_a_shared_secret_and_an_unknown_key_check_nothing() -> None:
    assert claims_of(GOOD, {"alg": "HS256", "kid": "secret"}, SECRET) is None
    assert claims_of(GOOD, {"alg": "ES256", "kid": "two"}, KEY) is None
    assert claims_of(GOOD, {"alg": "HS256", "kid": "one"}, SECRET) is None


def test_an_unsigned_token_is_refused() -> None:
    head = "eyJhbGciOiJub25lIn0"
    with pytest.raises(ProviderFailed):
        verify(f"{head}.e30.", KEYS, issuer=ISSUER, client_ids=["us"], nonce="n", now=NOW)


def test_microsofts_tenants_each_have_an_issuer() -> None:
    tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47"
    template = "https://login.example.com/{tenantid}/v2.0"
    claims = {**GOOD, "iss": f"https://login.example.com/{tenant}/v2.0", "tid": tenant}
    header = {"alg": "ES256", "kid": "one"}
    assert claims_of(claims, header, KEY, template)["tid"] == tenant
    for wrong in ({"tid": "../evil"}, {"tid": "72f988bf-86f1-41af-91ab-2d7cd011db48"}):
        with pytest.raises(ProviderFailed):
            claims_of(claims | wrong, header, KEY, template)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/", "https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1/", "https://169.254.169.254/latest",
     "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::a00:1]/", "https://[2002:a00:1::]/", "https://localhost/",
     "https://user@1.1.1.1/", "file:///etc/passwd", "https:///x", "gopher://x/"],
)  # fmt: skip
async def test_no_document_leads_into_the_own_network(url: str) -> None:
    async with Outside() as outside:
        with pytest.raises(ProviderFailed, match="must not be asked"):
            await outside.ask(url, ["https://id.example.com"])


IN_DISGUISE = [
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "64:ff9b:1::808:808",
    "2002:808:808::1",
    "2001:0:808:808::1",
    "::8.8.8.8",
    "::ffff:0:808:808",
]
ELSEWHERE = ["0.0.0.0", "192.88.99.1", "224.0.0.1", "240.0.0.1", "100.64.0.1", "198.18.0.1", "255.255.255.255",
    "::", "ff0e::1", "fe80::1", "fe80::1%1", "fec0::1", "fd00::1", "100::1", "2001:db8::1", "2001:10::1", "4000::1"]  # fmt: skip


@pytest.mark.parametrize("address", IN_DISGUISE + ELSEWHERE)
def test_what_leads_to_another_address_or_to_none_of_the_world_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e"])
def test_hosts_of_the_world_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("reads", "answer", "expected"),
    [
        ("openid", {"sub": "1", "email": "A@x.org", "email_verified": True}, ("1", "a@x.org", True)),
        ("openid", {"sub": "1", "email": "a@x.org", "email_verified": "true"}, ("1", "a@x.org", True)),
        ("openid", {"sub": "1", "email": "a@x.org", "email_verified": "no"}, ("1", "a@x.org", False)),
        ("openid", {"sub": "1", "email": "a@x.org"}, ("1", "a@x.org", False)),
        ("openid", {"sub": "1", "email": "no address", "email_verified": True}, ("1", None, False)),
        ("microsoft", {"sub": "1", "email": "a@x.org", "email_verified": True}, ("1", "a@x.org", False)),
        ("microsoft", {"sub": "1", "email": "a@x.org", "xms_edov": 1}, ("1", "a@x.org", True)),
        ("github", {"id": 7, "email": "fake@x.org", "emails": [{"email": "a@x.org", "primary": True, "verified": True}]},
         ("7", "a@x.org", True)),
        ("github", {"id": 7, "email": "fake@x.org", "emails": []}, ("7", None, False)),
        ("discord", {"id": "7", "email": "a@x.org", "verified": True}, ("7", "a@x.org", True)),
        ("facebook", {"id": "7", "email": "a@x.org", "verified": True}, ("7", "a@x.org", False)),
    ],
)  # fmt: skip
def test_each_provider_is_read_in_its_own_words(
    reads: str, answer: dict[str, Any], expected: tuple[str, str | None, bool]
) -> None:
    person = READERS[reads]("p", answer)
    assert (person.subject, person.email, person.email_verified) == expected


@pytest.mark.parametrize("sub", [None, "", True, 1.5, "x" * 256, "a\nb", {}])
def test_somebody_without_a_name_is_nobody(sub: object) -> None:
    with pytest.raises(ProviderFailed):
        READERS["openid"]("p", {"sub": sub})


def test_what_is_configured_goes_before_the_preset() -> None:
    own = configured(ProviderOptions("gitlab", "us", issuer="https://git.example.com"), PRESETS["gitlab"])
    assert own.issuer == "https://git.example.com"
    assert configured(ProviderOptions("github", "us"), PRESETS["github"]).reads == "github"


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_preset_is_whole(name: str) -> None:
    (options,) = provider_options({name: ProviderEntry(client_id="us")}, production=True)
    assert options.reads in READERS


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("corp", {}),
        ("corp", {"authorize_url": "https://x.org/a"}),
        ("corp", {"issuer": "http://id.example.com"}),
        ("../x", {"issuer": "https://id.example.com"}),
        ("code", {"issuer": "https://id.example.com"}),
    ],
)
def test_what_cannot_work_is_refused_at_the_start(name: str, entry: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="provider"):
        provider_options({name: ProviderEntry(client_id="us", **entry)}, production=True)
