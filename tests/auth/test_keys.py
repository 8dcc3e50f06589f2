import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from pellucid.auth.keys import KeyOptions, generate_key, load_keys, parse_keys, shared_secret
from pellucid.errors import StartupError


def first(text: str) -> dict[str, Any]:
    jwk: dict[str, Any] = json.loads(text)["keys"][0]
    return jwk


def public(jwk: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in jwk.items() if name != "d"}


def parse(*jwks: dict[str, Any]) -> Any:
    return parse_keys(json.dumps({"keys": jwks}), origin="the test's key")


def test_a_generated_key_signs_es256_and_is_named_after_its_thumbprint() -> None:
    keys = parse_keys(generate_key(), origin="test")
    assert keys.signing.algorithm == "ES256"
    assert len(keys.signing.id) == 43
    assert keys.verifier(keys.signing.id) is keys.signing
    assert keys.verifier("another") is None
    assert keys.verifier(None) is None


def test_what_is_published_holds_no_private_part() -> None:
    published = parse(first(generate_key()), first(generate_key())).published()
    assert [set(key) for key in published["keys"]] == [{"kty", "crv", "x", "y", "kid", "alg", "use"}] * 2


def test_a_private_key_is_not_shown_by_repr() -> None:
    text = generate_key()
    keys = parse_keys(text, origin="test")
    secret = first(text)["d"]
    assert secret not in repr(keys)
    assert secret not in repr(KeyOptions(text=text))


def test_the_first_key_signs_and_all_verify() -> None:
    new, old, next_one = (first(generate_key()) for _ in range(3))
    keys = parse(new, public(old), next_one)
    assert keys.signing.id == new["kid"]
    assert set(keys.verifying) == {new["kid"], old["kid"], next_one["kid"]}


def test_a_single_key_without_a_name_gets_one() -> None:
    jwk = ECKey.generate_key("P-256", private=True).as_dict(private=True)
    keys = parse_keys(json.dumps({name: jwk[name] for name in ("kty", "crv", "x", "y", "d")}), origin="test")
    assert len(keys.signing.id) == 43


def test_an_rsa_key_is_used_with_rs256_alone() -> None:
    assert parse(RSAKey.generate_key(2048, private=True).as_dict(private=True)).signing.algorithm == "RS256"


KEY = first(generate_key())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("not json", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "neither a JWK nor a JWK Set"),
        ('"text"', "neither a JWK nor a JWK Set"),
        ('{"keys":[]}', "neither a JWK nor a JWK Set"),
        ('{"keys":["a"]}', "neither a JWK nor a JWK Set"),
        ("{}", "cannot be read"),
        (json.dumps(OctKey.generate_key(256).as_dict(private=True)), "cannot be read"),
        (json.dumps(KEY | {"x": "AAAA"}), "cannot be read"),
        (json.dumps(public(KEY)), "cannot sign"),
        (json.dumps({"keys": [KEY, KEY]}), "same id"),
        (json.dumps(KEY | {"alg": "ES384"}), "not fit for signing"),
        (json.dumps(KEY | {"use": "enc"}), "not fit for signing"),
        (json.dumps(ECKey.generate_key("P-384", private=True).as_dict(private=True)), "not fit for signing"),
    ],
    ids=[
        "no JSON", "too deep", "a list", "text", "an empty set", "a set of texts", "nothing in it", "a secret", "off the curve",
        "public", "twice", "another algorithm", "for encryption", "another curve",
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused_with_a_way_out(text: str, says: str) -> None:
    with pytest.raises(StartupError, match=says) as caught:
        parse_keys(text, origin="the configured signing key")
    assert caught.value.hint
    assert KEY["d"] not in str(caught.value)


def test_development_makes_the_key_once_for_its_owner_alone(tmp_path: Path) -> None:
    options = KeyOptions(generated=tmp_path / "secrets" / "signing-key.json")
    keys = load_keys(options)
    assert options.generated is not None
    assert stat.S_IMODE(options.generated.stat().st_mode) == 0o600
    assert stat.S_IMODE(options.generated.parent.stat().st_mode) == 0o700
    assert load_keys(options).signing.id == keys.signing.id
    assert list(options.generated.parent.iterdir()) == [options.generated]


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    options = KeyOptions(generated=tmp_path / "secrets" / "signing-key.json")
    with ThreadPoolExecutor(16) as pool:
        ids = {keys.signing.id for keys in pool.map(lambda _: load_keys(options), range(64))}
    assert len(ids) == 1


def test_production_makes_no_key(tmp_path: Path) -> None:
    options = KeyOptions(generated=tmp_path / "signing-key.json", production=True)
    with pytest.raises(StartupError) as caught:
        load_keys(options)
    assert "pellucid key" in str(caught.value.hint)
    assert not list(tmp_path.iterdir())


def test_production_takes_the_key_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "signing-key.json"
    made = load_keys(KeyOptions(generated=path))
    assert load_keys(KeyOptions(generated=path, production=True)).signing.id == made.signing.id


def test_text_wins_over_file_and_file_over_the_generated_one(tmp_path: Path) -> None:
    text, in_file = generate_key(), generate_key()
    path = tmp_path / "key.json"
    path.write_text(in_file)
    path.chmod(0o600)
    generated = tmp_path / "generated.json"
    assert load_keys(KeyOptions(text=text, file=path, generated=generated)).signing.id == first(text)["kid"]
    assert load_keys(KeyOptions(file=path, generated=generated)).signing.id == first(in_file)["kid"]
    assert not generated.exists()


def test_without_any_place_for_a_key_there_is_none() -> None:
    with pytest.raises(StartupError, match="No signing key"):
        load_keys(KeyOptions())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o620])
def test_a_key_file_that_others_can_open_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key.json"
    path.write_text(generate_key())
    path.chmod(mode)
    with pytest.raises(StartupError, match="others than its owner") as caught:
        load_keys(KeyOptions(file=path))
    assert "chmod 600" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("content", "says"), [(b"\xff\xfe", "not text"), (b"x" * 70_000, "too large"), (b"", "is not JSON")]
)
def test_a_file_that_is_no_key_file_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "key.json"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(StartupError, match=says):
        load_keys(KeyOptions(file=path))


def test_a_missing_file_a_directory_and_a_device_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.json", tmp_path, Path("/dev/null")):
        with pytest.raises(StartupError):
            load_keys(KeyOptions(file=path))


def test_a_directory_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartupError, match="cannot be"):
        load_keys(KeyOptions(generated=tmp_path / "file" / "signing-key.json"))


def test_a_shared_secret_is_hs256_and_never_published() -> None:
    keys = shared_secret(b"s" * 32)
    assert keys.shared
    assert keys.signing.algorithm == "HS256"
    assert keys.published() == {"keys": []}
    assert "ssss" not in repr(keys)


@pytest.mark.parametrize(
    "secret",
    [
        b"s" * 31,
        generate_key().encode(),
        json.dumps(public(KEY)).encode(),
        ECKey.import_key(KEY).as_pem(private=False),
        ECKey.import_key(KEY).as_pem(private=True),
        ECKey.import_key(KEY).as_der(private=False),
    ],
    ids=["short", "key file", "public jwk", "public pem", "private pem", "public der"],
)
def test_a_short_secret_or_a_key_as_a_secret_is_refused(secret: bytes) -> None:
    with pytest.raises(StartupError, match=r"needs at least 32|is a key, not a secret"):
        shared_secret(secret)
