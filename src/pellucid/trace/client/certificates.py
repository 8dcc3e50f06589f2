"""Chains of certificates (RFC 5280): what they say, and what speaks against them."""

import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import crypto
from service_identity import CertificateError, VerificationError
from service_identity.cryptography import verify_certificate_hostname, verify_certificate_ip_address

from pellucid.trace.client.failure import Failed
from pellucid.trace.client.hosts import is_address
from pellucid.trace.client.notes import Facts

Chain = Sequence[x509.Certificate]
MOST_NAMES = 5


class Trust:
    """The authorities that are believed: the system's, or those of a file."""

    def __init__(self, cacert: Path | None = None) -> None:
        self._store = crypto.X509Store()
        try:
            self._load(cacert)
        except (crypto.Error, OSError) as fault:
            raise Failed(f"{cacert} holds no certificates to trust", "name a file in PEM form with --cacert") from fault

    def _load(self, cacert: Path | None) -> None:
        system = ssl.get_default_verify_paths()
        if cacert is not None:
            self._store.load_locations(str(cacert))
        elif system.cafile or system.capath:
            self._store.load_locations(system.cafile, system.capath)
        else:
            self._store.load_locations(certifi.where())

    def objection(self, chain: Chain) -> str:
        """What OpenSSL has against a chain; nothing where it ends at somebody who is trusted."""
        leaf, *others = (crypto.X509.from_cryptography(each) for each in chain)
        try:
            crypto.X509StoreContext(self._store, leaf, others).verify_certificate()
        except crypto.X509StoreContextError as fault:
            return str(fault.args[0])
        return ""


def objections(chain: Chain, host: str, trust: Trust) -> Iterator[str]:
    """All that speaks against a chain for a host, the plainest first."""
    now = datetime.now(UTC)
    for certificate in chain:
        if certificate.not_valid_after_utc < now:
            yield f"the certificate of {common_name(certificate)} ran out on {certificate.not_valid_after_utc:%Y-%m-%d}"
        if certificate.not_valid_before_utc > now:
            yield f"the certificate of {common_name(certificate)} begins on {certificate.not_valid_before_utc:%Y-%m-%d} only"
    if not _is_for(chain[0], host):
        yield f"the certificate is for {_names(chain[0]) or 'nobody by name'}, not for {host}"
    if not _serves(chain[0]):
        yield "the certificate is not meant for servers"
    if found := trust.objection(chain):
        yield _plainer(found, chain)


def _is_for(leaf: x509.Certificate, host: str) -> bool:
    verify = verify_certificate_ip_address if is_address(host) else verify_certificate_hostname
    try:
        verify(leaf, host.partition("%")[0].rstrip("."))
    except (CertificateError, VerificationError, ValueError):
        return False
    return True


def _serves(leaf: x509.Certificate) -> bool:
    """Whether a certificate may stand for a server; one that does not say what it is for, may."""
    try:
        uses = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return True
    return ExtendedKeyUsageOID.SERVER_AUTH in uses or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in uses


def _plainer(found: str, chain: Chain) -> str:
    if "unable to get local issuer" in found or "unable to verify the first" in found:
        return f"nobody trusted has signed for {common_name(chain[-1])}: {issuer(chain[-1])} is missing from the chain, or unknown here"
    if "self-signed" in found or "self signed" in found:
        return f"{common_name(chain[-1])} has signed for itself, and is not trusted here"
    return found


def note(chain: Chain, facts: Facts) -> None:
    """Tell of a chain: whom it is for, who signed, until when."""
    if not chain:
        return
    leaf = chain[0]
    facts["chain"] = " ← ".join(
        [common_name(each) for each in chain] + ([issuer(chain[-1])] if not _by_itself(chain[-1]) else [])
    )
    facts["names"] = _names(leaf)
    facts["expires"] = f"{min(each.not_valid_after_utc for each in chain):%Y-%m-%d}"
    facts["days_left"] = (min(each.not_valid_after_utc for each in chain) - datetime.now(UTC)).days
    for number, each in enumerate(chain):
        facts[f"certificate_{number}"] = (
            f"{common_name(each)}, by {issuer(each)}, until {each.not_valid_after_utc:%Y-%m-%d}, {_key(each)}"
        )


def _by_itself(certificate: x509.Certificate) -> bool:
    return certificate.subject == certificate.issuer


def common_name(certificate: x509.Certificate) -> str:
    """What a certificate's subject is called."""
    return _called(certificate.subject) or _names(certificate) or "somebody without a name"


def issuer(certificate: x509.Certificate) -> str:
    """What its issuer is called."""
    return _called(certificate.issuer) or "somebody without a name"


def _called(name: x509.Name) -> str:
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        for attribute in name.get_attributes_for_oid(kind):
            return str(attribute.value)
    return name.rfc4514_string()


def _names(leaf: x509.Certificate) -> str:
    try:
        alternatives = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ""
    names = [str(each.value) for each in alternatives]
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def _key(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    kind = type(key).__name__.removesuffix("PublicKey").lstrip("_")
    size = getattr(key, "key_size", None)
    return f"{kind} {size}" if size else kind
