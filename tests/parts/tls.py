"""Certificates of our own, and servers that get no further than the TLS handshake: for what an expired one brings."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

#: What libpq asks before TLS, and the answer yes (PostgreSQL, "Frontend/Backend Protocol", SSLRequest).
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")


class Authority:
    """A CA in a folder.

    Args:
        folder: where its certificate and those it signs are written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
        ca = self._certificate(self._name, self._key, timedelta(days=1), authority=True)
        self.file = folder / "ca.pem"
        self.file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))

    def issue(self, *, expired: bool = False) -> Path:
        """A file with a key and a certificate for 127.0.0.1 and localhost; one that ran out yesterday if so asked."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        certificate = self._certificate(name, key, timedelta(days=-1 if expired else 1))
        file = self._folder / ("expired.pem" if expired else "good.pem")
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        return file

    def _certificate(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, lasts: timedelta, *, authority: bool = False
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        names = [x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))]
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=30))
            .not_valid_after(now + lasts)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self._key, hashes.SHA256())
        )


@contextmanager
def tls_port(certificate: Path, *, postgres: bool = False) -> Iterator[int]:
    """A port that shakes hands with this certificate, again and again, and then closes.

    Args:
        certificate: file of ``Authority.issue``.
        postgres: agree to libpq's request for TLS first.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    # The test is over.
                    return
                # A client that does not like the certificate ends the handshake: that is what is asked for here.
                with client, contextlib.suppress(OSError):
                    client.settimeout(5)
                    if postgres and client.recv(len(_SSL_REQUEST)) == _SSL_REQUEST:
                        client.sendall(b"S")
                    context.wrap_socket(client, server_side=True).close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        # Wakes the thread, which a close alone does not.
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
