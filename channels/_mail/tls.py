"""TLS for mail that comes in: the operator's certificate, read again when it is renewed."""

import logging
import ssl
from pathlib import Path

from core.errors import Misconfigured

_log = logging.getLogger(__name__)


class Certificate:
    """A certificate with its chain, and its key, both in PEM files. Raises Misconfigured where they do not serve."""

    def __init__(self, chain: Path, key: Path) -> None:
        self._chain = chain
        self._key = key
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._read_at = self._changed_at()
        self._read()

    def context(self) -> ssl.SSLContext:
        """For the next connection."""
        try:
            changed_at = self._changed_at()
            if changed_at != self._read_at:
                self._read()
                self._read_at = changed_at
        except Misconfigured as error:  # while it is being replaced, or for good: the one that we have still serves
            _log.warning("the renewed certificate is not used: %s", error)
        return self._context

    def _read(self) -> None:
        try:
            self._context.load_cert_chain(self._chain, self._key, password="")
        except (ssl.SSLError, OSError, ValueError) as error:
            why = error.reason if isinstance(error, ssl.SSLError) else str(error)
            said = f"{self._chain} and {self._key} are no certificate and its key: {why}; give PEM files of one pair."
            raise Misconfigured("SMTP_TLS_CERT, SMTP_TLS_KEY", said) from error

    def _changed_at(self) -> tuple[int, int]:
        return _written_at("SMTP_TLS_CERT", self._chain), _written_at("SMTP_TLS_KEY", self._key)


def _written_at(setting: str, file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError as error:
        raise Misconfigured(
            setting, f"{file} cannot be read: {error.strerror}; give the path of a PEM file."
        ) from error
