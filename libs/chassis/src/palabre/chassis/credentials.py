"""What a gRPC server proves and demands, and what its caller does."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class Credentials:
    """Files in PEM, read once: a service is started again for new ones.

    A server with a `certificate` encrypts; with a `ca` it demands a certificate of it from whoever
    calls; with a `token` it demands that. A caller with a `ca` encrypts and believes the servers of
    it alone, shows its `certificate` where it has one, and sends the `token`.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    token: str = ""

    def checked(self, names: str) -> Self:
        """Raises ValueError with a sentence; `names` are the variables that it begins with."""
        if not self.token.isascii():
            raise ValueError(f"{names}: the token must be of ASCII characters")
        if bool(self.certificate) != bool(self.key):
            raise ValueError(f"{names}: a certificate and its key go together: set both")
        if not (self.ca or self.certificate):
            return self
        try:
            context = ssl.create_default_context(cafile=self.ca)
            if self.certificate:
                context.load_cert_chain(self.certificate, self.key)
        except OSError as error:
            raise ValueError(f"{names}: a file is no such PEM: {error}") from error
        return self

    def read_ca(self) -> bytes | None:
        return self.ca.read_bytes() if self.ca else None

    def read_pair(self) -> tuple[bytes | None, bytes | None]:
        """The key and the certificates, as gRPC wants them."""
        if not (self.key and self.certificate):
            return None, None
        return self.key.read_bytes(), self.certificate.read_bytes()


PLAIN = Credentials()
