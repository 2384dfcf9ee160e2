"""Slack's signature over a request's time and body.

Source: https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from core.errors import Unverified
from core.messages import Raw

_OLDEST: Final = timedelta(minutes=5)


def verify(raw: Raw, secret: bytes) -> None:
    """Raises Unverified (403)."""
    stamp = raw.headers.get("x-slack-request-timestamp", "")
    signature = raw.headers.get("x-slack-signature", "")
    if not re.fullmatch(r"[0-9]{1,11}", stamp) or not re.fullmatch(r"v0=[0-9a-f]{64}", signature):
        raise Unverified("Slack: the request carries no well-formed signature; it is refused")
    if abs(raw.received_at - datetime.fromtimestamp(int(stamp), UTC)) > _OLDEST:
        raise Unverified("Slack: the request was signed more than five minutes ago; check this machine's clock")
    right = hmac.new(secret, b"v0:%b:%b" % (stamp.encode(), raw.body), hashlib.sha256).hexdigest()
    if not secret or not hmac.compare_digest(f"v0={right}", signature):
        raise Unverified("Slack: the signature is wrong; check SLACK_SIGNING_SECRET")
