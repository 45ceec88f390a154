"""A mail server that takes mail over TLS and STARTTLS only, with a login, and the certificates that it needs."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import socketserver
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.small_servers import MailServer

LOOPBACK = ipaddress.IPv4Address("127.0.0.1")


def self_signed(folder: Path, address: ipaddress.IPv4Address = LOOPBACK) -> tuple[Path, Path]:
    """Return the files of a new certificate for an address, which is its own authority, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, str(address))])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(address)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    of_certificate, of_key = folder / "certificate.pem", folder / "key.pem"
    of_certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    of_key.write_bytes(key.private_bytes(*plain))
    return of_certificate, of_key


class SecureMailServer(MailServer):
    """Takes mail from a client that has logged in with `password` over TLS, from the first byte or after STARTTLS.

    `words`: every line that came before the connection was secure; `logins`: what clients gave as name and password. A
    wrong password is answered with itself, as some servers do.
    """

    def __init__(self, certificate: Path, key: Path, password: str, *, tls: bool) -> None:
        super().__init__(_SecureHandler)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.password = password
        self.tls = tls
        self.words: list[str] = []
        self.logins: list[tuple[str, str]] = []


class _SecureHandler(socketserver.StreamRequestHandler):
    server: SecureMailServer

    def handle(self) -> None:
        self._secure = False
        self._known = False
        try:
            if self.server.tls:
                self._wrap()
            self._say("220 test")
            while line := self.rfile.readline().decode().strip():
                if not self._secure:
                    self.server.words.append(line)
                if not self._answer(line):
                    return
        except OSError:
            # A client that does not trust the certificate ends the connection within the handshake.
            return
        finally:
            # The secure one took the place of that which the base class closes.
            self.connection.close()

    def _answer(self, line: str) -> bool:
        """Answer one command; return whether the connection goes on."""
        command, _, rest = line.partition(" ")
        match command.upper():
            case "EHLO":
                self._say("250-test\r\n250 AUTH PLAIN" if self._secure else "250-test\r\n250 STARTTLS")
            case "STARTTLS":
                self._say("220 go on")
                self._wrap()
            case "AUTH":
                _, name, password = base64.b64decode(rest.split()[1]).decode().split("\0")
                self.server.logins.append((name, password))
                self._known = password == self.server.password
                self._say("235 ok" if self._known else f"535 no such password: {password}, {rest}")
            case "MAIL" | "RCPT" | "DATA" if not self._known:
                self._say("530 log in first")
            case "DATA":
                self._say("354 go on")
                body = iter(lambda: self.rfile.readline().decode().rstrip("\r\n"), ".")
                self.server.mails.append("\n".join(body))
                self._say("250 ok")
            case "QUIT":
                self._say("221 end")
                return False
            case _:
                self._say("250 ok")
        return True

    def _wrap(self) -> None:
        self.connection = self.server.context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb", self.rbufsize)
        self.wfile = self.connection.makefile("wb", 0)
        self._secure = True

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
        self.wfile.flush()
