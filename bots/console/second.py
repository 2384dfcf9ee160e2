"""A code beside the password (RFC 6238): six digits that an app shows for 30 seconds, and ten codes for who lost it."""

import hmac
import secrets
from base64 import b32encode
from collections.abc import Sequence
from datetime import datetime

import pyotp
import segno
from markupsafe import Markup

_DRIFT = 1  # time steps that a clock may be off
_SCALE = 5  # pixels of a module of the QR code
_CODES = 10
_CODE_BYTES = 10  # of chance in a recovery code
_GROUP = 4  # signs


def new_secret() -> str:
    """What an app and we share."""
    return pyotp.random_base32()


def address(secret: str, name: str, issuer: str) -> str:
    """What the QR code says."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=issuer)


def picture(said: str) -> Markup:
    """A QR code as SVG, without any style."""
    drawn = segno.make(said, error="m", micro=False)
    return Markup(drawn.svg_inline(scale=_SCALE, light="#fff", svgclass="qr", lineclass=None))  # noqa: S704 - drawn here


def spaced(secret: str) -> str:
    """In groups, to be typed."""
    return " ".join(secret[at : at + _GROUP] for at in range(0, len(secret), _GROUP))


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The time step whose code this is, one before and one after allowed; None for no code of now."""
    app = pyotp.TOTP(secret)
    present = app.timecode(now)
    given = "".join(code.split()).encode()
    steps = range(present - _DRIFT, present + _DRIFT + 1)
    return next((step for step in steps if hmac.compare_digest(app.generate_otp(step).encode(), given)), None)


def new_recovery_codes() -> Sequence[str]:
    """To be shown once."""
    return [_grouped(b32encode(secrets.token_bytes(_CODE_BYTES)).decode().lower()) for _ in range(_CODES)]


def plain(code: str) -> str:
    """A recovery code, however it was typed."""
    return "".join(sign for sign in code.lower() if sign.isalnum())


def _grouped(code: str) -> str:
    return "-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))
