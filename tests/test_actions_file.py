"""ACTIONS_FILE: what it may hold, and one line that says what is wrong with it."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from bots.actions import read_actions
from core.actions import ActionRefused
from core.backends.carrying import Company
from core.errors import Misconfigured
from core.runs import Request

REQUEST = Request(
    id="r1", action="flag", customer="cus_7", amount="", shown="", facts={}, language="en", proof="confirmed",
    requested_at="2026-03-02T09:00:00+00:00",
)  # fmt: skip


async def flag(request: Mapping[str, object]) -> Mapping[str, object]:
    """A company's own hook."""
    if request["customer"] != "cus_7":
        raise ActionRefused("who is that?")
    return {"reference": f"crm {request['customer']}"}


def test_no_file_no_actions() -> None:
    assert read_actions("") == ({}, {})


async def test_an_action_with_a_hook_is_carried_out_by_it(tmp_path: Path) -> None:
    path = tmp_path / "actions.toml"
    path.write_text('[flag]\nhook = "tests.test_actions_file:flag"\nlimit = 12.5\napproval = true\n')
    actions, endpoints = read_actions(str(path))
    assert (actions["flag"].limit, actions["flag"].approval) == (Decimal("12.5"), True)
    assert (await Company(endpoints).carry_out(REQUEST)).reference == "crm cus_7"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[refund", "is not TOML"),
        ("[refund]\n", r"\[refund\]: needs either url or hook"),
        ('[refund]\nurl = "ftp://x"\n', "must start with http"),
        ('[refund]\nurl = "https://x.test"\nhook = "a:b"\n', "either url or hook"),
        ('[refund]\nurl = "https://x.test"\nlimit = -1\n', r"\[refund.limit\]"),
        ('[bribe]\nurl = "https://x.test"\n', "bribe"),
        ('[refund]\nurl = "https://x.test"\nlimits = 5\n', r"\[refund.limits\]"),
        ('[flag]\nhook = "no_such_module:flag"\n', "no hook no_such_module:flag"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "actions.toml"
    path.write_text(text)
    with pytest.raises(Misconfigured, match=f"ACTIONS_FILE.*{why}"):
        read_actions(str(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be read: No such file"):
        read_actions(str(tmp_path / "none.toml"))
