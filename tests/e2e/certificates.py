"""Certificate authorities and certificates for tests: good, expired, of strangers, garbled.

    root = Authority("Test Root")
    files = TlsFiles(directory)
    files.write(root.issue("localhost"), client_ca=root)
    files.write(root.issue("localhost", days=-1))  # expired yesterday

Needs the `cryptography` package. Keys are on P-256, so each certificate takes a millisecond or so.
"""

import datetime
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

GARBAGE = "-----BEGIN CERTIFICATE-----\nnot base64 at all!\n-----END CERTIFICATE-----\n"


def _name(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative_name(text):
    """ "DNS:a.example", "URI:spiffe://a", "email:a@b.example" or "IP:127.0.0.1" as an X.509 name."""
    kind, _, value = text.partition(":")
    if kind == "DNS":
        return x509.DNSName(value)
    if kind == "URI":
        return x509.UniformResourceIdentifier(value)
    if kind == "email":
        return x509.RFC822Name(value)
    if kind == "IP":
        return x509.IPAddress(ipaddress.ip_address(value))
    raise ValueError(f"must start with DNS:, URI:, email: or IP:, is {text!r}")


class Certificate:
    """A certificate with its private key."""

    def __init__(self, certificate, key):
        self.certificate = certificate
        self.key = key

    @property
    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self):
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()

    @property
    def serial(self):
        return self.certificate.serial_number

    @property
    def garbled_pem(self):
        """The PEM text with some characters in the middle overwritten."""
        middle = len(self.pem) // 2
        return self.pem[:middle] + "!!!!" + self.pem[middle + 4 :]


def _make(common_name, names, days, starts_in_hours, is_authority, usages, issuer):
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.timezone.utc)
    not_after = now + datetime.timedelta(days=days)
    # What has expired has been valid for a day.
    not_before = min(
        now + datetime.timedelta(hours=starts_in_hours), not_after - datetime.timedelta(days=1)
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .issuer_name(issuer.certificate.subject if issuer else _name(common_name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    signer = issuer or Certificate(None, key)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()), critical=False
    )
    if is_authority:
        builder = builder.add_extension(
            x509.KeyUsage(
                digital_signature=False,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=True,
                crl_sign=True,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_alternative_name(name) for name in names]),
            critical=False,
        )
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    return Certificate(builder.sign(signer.key, hashes.SHA256()), key)


class Authority(Certificate):
    """A root that has signed itself."""

    def __init__(self, common_name="Test Root", days=365):
        root = _make(common_name, [], days, -1, True, [], None)
        super().__init__(root.certificate, root.key)

    def issue(
        self, common_name="localhost", names=("DNS:localhost", "IP:127.0.0.1"), days=90,
        starts_in_hours=-1,
    ):
        """A certificate for a server. Negative `days`: expired; positive `starts_in_hours`: not
        valid yet."""
        usages = [ExtendedKeyUsageOID.SERVER_AUTH]
        return _make(common_name, names, days, starts_in_hours, False, usages, self)

    def issue_client(self, name="URI:spiffe://mesh/client", days=90):
        """A certificate for a client, known by one alternative name or, without prefix, by its
        common name."""
        is_alternative = name.partition(":")[0] in ("DNS", "URI", "email", "IP")
        names = [name] if is_alternative else []
        common_name = "client" if is_alternative else name
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
        return _make(common_name, names, days, -1, False, usages, self)


def write_atomically(path, text, mode=0o600):
    """Replaces the file by renaming, as an orderly rotation does."""
    aside = path.with_name(path.name + ".new")
    aside.write_text(text, encoding="utf-8")
    os.chmod(aside, mode)
    os.replace(aside, path)


class TlsFiles:
    """The files that a server reads: tls.crt, tls.key and client_ca.crt in one directory."""

    def __init__(self, directory):
        self.certificate = directory / "tls.crt"
        self.private_key = directory / "tls.key"
        self.client_ca = directory / "client_ca.crt"

    def write(self, certificate, client_ca=None):
        write_atomically(self.certificate, certificate.pem)
        write_atomically(self.private_key, certificate.key_pem)
        if client_ca is not None:
            write_atomically(self.client_ca, client_ca.pem)
