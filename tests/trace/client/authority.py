"""A certificate authority of the tests' own: root, intermediate and leaf, as the real ones have them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey
YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Served:
    """What a server is given, as files: its chain with its key's file beside it."""

    chain: Path
    key: Path


class Authority:
    """A root, an intermediate that it signed, and what that signs. ``root`` is the file to trust."""

    def __init__(self, directory: Path, name: str = "Test") -> None:
        self._directory = directory
        self._root_key, self._middle_key = (
            ec.generate_private_key(ec.SECP256R1()),
            ec.generate_private_key(ec.SECP256R1()),
        )
        self._root = sign(f"{name} Root", self._root_key, None, self._root_key)
        self._middle = sign(f"{name} Intermediate", self._middle_key, self._root, self._root_key)
        self.root = self._write("root.pem", pem(self._root))

    def leaf(self, *names: str, ends: timedelta = YEAR, whole: bool = True, server: bool = True) -> Served:
        """A certificate for some names; ``whole`` is whether the intermediate is shown with it."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = sign(names[0], key, self._middle, self._middle_key, names, ends, server)
        chain = pem(certificate) + (pem(self._middle) if whole else b"")
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return Served(self._write(f"{names[0]}.pem", chain), self._write(f"{names[0]}.key", private))

    def _write(self, name: str, content: bytes) -> Path:
        path = self._directory / name
        path.write_bytes(content)
        return path


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def sign(
    name: str,
    key: Key,
    issuer: x509.Certificate | None,
    issuer_key: Key,
    names: Sequence[str] = (),
    ends: timedelta = YEAR,
    server: bool = True,
) -> x509.Certificate:
    """A certificate; one without names is an authority's."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * YEAR)
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
    )
    if names:
        use = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = builder.add_extension(x509.SubjectAlternativeName([named(each) for each in names]), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def named(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
