"""What a browser posts: one message, {"id", "text"}."""

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Final, NamedTuple

from core.errors import Malformed
from core.messages import Raw

_ID: Final = re.compile(r"[\x21-\x39\x3b-\x7e]{1,128}")
_UNSEEN: Final = {"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"}  # categories of signs that show nothing by themselves
_OVERRIDES: Final = str.maketrans("", "", "\x00\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Said(NamedTuple):
    """One message as it was typed, without signs that turn the reading order of what stands around it."""

    id: str
    text: str


def said(raw: Raw) -> Said:
    """The message in a request. Raises Malformed."""
    _check_type(raw.headers)
    try:
        body = json.loads(raw.body)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the body is no JSON: {type(error).__name__}") from None
    if not isinstance(body, dict) or not isinstance(body.get("id"), str) or not isinstance(body.get("text"), str):
        raise Malformed('the body must be {"id": "...", "text": "..."}')
    if not _ID.fullmatch(body["id"]):
        raise Malformed("id must be 1 to 128 visible ASCII characters without a colon")
    text = body["text"].translate(_OVERRIDES).encode(errors="replace").decode()
    if all(unicodedata.category(sign) in _UNSEEN for sign in text):
        raise Malformed("text must have characters that can be seen")
    return Said(body["id"], text)


def _check_type(headers: Mapping[str, str]) -> None:
    """Forms of other websites cannot say that they send JSON."""
    given = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if given != "application/json":
        raise Malformed("content-type must be application/json")
