"""Web chat over real HTTP: who may speak, what is shown on the stream, and that each line is shown once."""

import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt.utils import base64url_encode

from channels._web.logins import Logins
from channels.web import WebSettings
from identity.proof import Proof
from tests.channels.chat_page import CLAIMS, KEY, STAMP, Page, cookie, opened, token


@pytest_asyncio.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with opened(tmp_path) as page:
        yield page


async def test_the_page_brings_its_own_script_and_nothing_else(page: Page) -> None:
    async with page.browser.get("/chat") as answer:
        html, policy = await answer.text(), answer.headers["content-security-policy"]
        cookie_line = answer.headers["set-cookie"]
    assert html.count("<h1>") == 1
    assert '<html lang="en">' in html
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert all(flag in cookie_line for flag in ("HttpOnly", "SameSite=Lax", "Secure"))


async def test_an_anonymous_visitor_is_heard_as_claimed_and_answered_on_the_stream(page: Page) -> None:
    ours = await cookie(page)
    async with page.stream(**ours) as stream:
        assert await page.posts({"id": "m1", "text": "Where is my order?"}, **ours) == 202
        assert await stream.next() == {"id": "m1", "text": "Where is my order?", "from": "customer"}
        assert page.heard[0].proof is Proof.CLAIMED
        await page.bot_says("r1", "Which order is it?")
        assert await stream.next() == {"id": "r1", "text": "Which order is it?", "from": "bot"}


async def test_a_reply_with_markup_comes_with_elements_and_a_customers_line_never(page: Page) -> None:
    ours, text = await cookie(page), "See **[our page](https://acme.test/help)**, not <script>."
    async with page.stream(**ours) as stream:
        await page.posts({"id": "m1", "text": text}, **ours)
        assert await stream.next() == {"id": "m1", "text": text, "from": "customer"}
        await page.bot_says("r1", text)
        shown = await stream.next()
    link = ["a", {"href": "https://acme.test/help", "rel": "noopener"}, ["our page"]]
    assert shown["text"] == text
    assert shown["elements"] == [["p", {}, ["See ", ["strong", {}, [link]], ", not <script>."]]]


async def test_no_line_is_shown_twice(page: Page) -> None:
    ours = await cookie(page)
    async with page.stream(**ours) as stream:
        for said in ("m1", "m1", "m2"):
            await page.posts({"id": said, "text": said}, **ours)
        assert [(await stream.next())["id"] for _ in range(2)] == ["m1", "m2"]


async def test_a_page_opened_again_shows_what_was_said(page: Page) -> None:
    ours = await cookie(page)
    await page.posts({"id": "m1", "text": "Hello"}, **ours)
    async with page.stream(**ours) as stream:
        shown = await stream.next()
    assert shown == {"id": "m1", "text": "Hello", "from": "customer"}
    assert page.heard[0].conversation not in json.dumps(shown)


async def test_two_visitors_do_not_see_each_other(page: Page) -> None:
    ann, ben = await cookie(page), await cookie(page)
    assert ann != ben
    async with page.stream(**ann) as anns, page.stream(**ben) as bens:
        await page.posts({"id": "m1", "text": "I am Ann"}, **ann)
        await page.posts({"id": "m2", "text": "I am Ben"}, **ben)
        assert (await anns.next())["text"] == "I am Ann"
        assert (await bens.next())["text"] == "I am Ben"


async def test_a_signed_in_customer_is_confirmed_with_what_was_verified(page: Page) -> None:
    signed = {"authorization": f"Bearer {token(email='Ann@Shop.test', email_verified=True, phone_number='+15550100')}"}
    assert await page.posts({"id": "m1", "text": "Hello"}, **signed) == 202
    message = page.heard[0]
    assert message.proof is Proof.CONFIRMED
    assert message.handle.address == "cus_7"
    assert [v.key for v in message.vouchers or ()] == ["email:ann@shop.test"]


@pytest.mark.parametrize("verified", [False, None, "true", 1])
async def test_what_the_business_did_not_verify_is_no_evidence(page: Page, verified: object) -> None:
    typed = {"email": "ann@shop.test", "phone_number": "+15550100"}
    claims: dict[str, Any] = typed | {"email_verified": verified, "phone_number_verified": verified}
    signed = {"authorization": f"Bearer {token(**claims)}"}
    assert await page.posts({"id": "m1", "text": "Hello"}, **signed) == 202
    assert page.heard[0].vouchers == ()


async def test_a_verified_phone_is_evidence_too(page: Page) -> None:
    signed = {"authorization": f"Bearer {token(phone_number='+15550100', phone_number_verified=True)}"}
    assert await page.posts({"id": "m1", "text": "Hello"}, **signed) == 202
    assert [(v.key, v.person) for v in page.heard[0].vouchers or ()] == [("phone:+15550100", "cus_7")]


NEW_KEY = "the next key, of at least thirty-two bytes"


async def status_of(page: Page, **signing: Any) -> int:
    return await page.posts({"id": "m1", "text": "Hello"}, authorization=f"Bearer {token(**signing)}")


async def test_keys_are_rotated_with_both_valid_at_once_and_the_old_one_then_removed(tmp_path: Path) -> None:
    old, new = {"kid": "k1"}, {"kid": "k2", "key": NEW_KEY}
    async with opened(tmp_path, webchat_jwt_keys={"k1": KEY, "k2": NEW_KEY}) as page:
        assert [await status_of(page, **old), await status_of(page, **new)] == [202, 202]
        assert await status_of(page, kid="k1", key=NEW_KEY) == 401
        assert await status_of(page, kid="k2", key=KEY) == 401
    async with opened(tmp_path, webchat_jwt_keys={"k2": NEW_KEY}) as page:
        assert [await status_of(page, **old), await status_of(page, **new)] == [401, 202]
        assert await status_of(page, kid="k2", key=KEY) == 401


async def test_a_shared_secret_is_rotated_out_for_a_key_pair(tmp_path: Path) -> None:
    pair = ec.generate_private_key(ec.SECP256R1())
    public = pair.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    private = pair.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    async with opened(tmp_path, webchat_jwt_keys={"k1": KEY, "p1": public}) as page:
        assert await status_of(page, kid="k1") == 202
        assert await status_of(page, kid="p1", key=private, algorithm="ES256") == 202
        assert await status_of(page, kid="k1", key=private, algorithm="ES256") == 401
        assert await status_of(page, kid="p1", key=KEY) == 401
        assert await page.posts({"id": "m1", "text": "I know your public key"}, **signed_with(public)) == 401


def signed_with(public: str) -> dict[str, str]:
    """A token whose secret is the public key, which everybody has; libraries refuse to make it."""
    parts = ({"alg": "HS256", "kid": "p1"}, CLAIMS)
    told = b".".join(base64url_encode(json.dumps(part).encode()) for part in parts)
    seal = base64url_encode(hmac.digest(public.encode(), told, "sha256"))
    return {"authorization": f"Bearer {(told + b'.' + seal).decode()}"}


PEM = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n"
BAD_TOKENS: list[dict[str, Any]] = [
    {"key": "another key of at least thirty-two bytes"},
    {"kid": None},
    {"kid": "k2"},
    {"iss": "https://evil.test"},
    {"aud": "somebody else"},
    {"sub": ""},
    {"sub": None},
    {"iat": None},
    {"exp": None},
    {"exp": STAMP - 1, "iat": STAMP - 600},
    {"exp": STAMP + 901},
    {"iat": STAMP + 300, "exp": STAMP + 900},
]


@pytest.mark.parametrize("bad", BAD_TOKENS, ids=lambda bad: ",".join(map(str, bad)))
async def test_a_bad_token_is_refused_everywhere_and_never_falls_back_to_the_cookie(
    page: Page, bad: dict[str, Any]
) -> None:
    headers = {"authorization": f"Bearer {token(**bad)}"} | await cookie(page)
    assert await page.posts({"id": "m1", "text": "Hello"}, **headers) == 401
    assert await page.gets("/api/chat/stream", **headers) == 401
    assert not page.heard


@pytest.mark.parametrize("garbage", ["Bearer", "Bearer x", "Basic eA==", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."])
async def test_garbage_for_a_token_is_refused(page: Page, garbage: str) -> None:
    assert await page.posts({"id": "m1", "text": "Hello"}, authorization=garbage) == 401


def test_a_public_key_cannot_be_used_as_a_secret() -> None:
    key, algorithms = Logins({"p": PEM}, issuer="i", audience="a").key({"kid": "p", "alg": "HS256"})
    assert key == PEM
    assert "HS256" not in algorithms


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ([], 400),
        ({"id": "m1"}, 400),
        ({"id": 1, "text": "x"}, 400),
        ({"id": "m1", "text": ""}, 400),
        ({"id": "a b", "text": "x"}, 400),
        ({"id": "m" * 129, "text": "x"}, 400),
        ({"id": "m1", "text": "x" * 70_000}, 413),
    ],
)
async def test_what_is_no_message_is_refused(page: Page, body: object, status: int) -> None:
    assert await page.posts(body, **await cookie(page)) == status
    assert not page.heard


async def test_whatever_fits_64_kb_may_be_said(page: Page) -> None:
    assert await page.posts({"id": "m1", "text": "x" * 65_000}, **await cookie(page)) == 202


@pytest.mark.parametrize("forged", ["", "throughline_chat=abc", "throughline_chat=abc.def", "throughline_chat=é.é"])
async def test_a_forged_session_is_none(page: Page, forged: str) -> None:
    assert await page.posts({"id": "m1", "text": "x"}, **({"cookie": forged} if forged else {})) == 401


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"webchat_jwt_keys": {"k": "short"}}, "shorter"),
        ({"webchat_jwt_keys": "{"}, "JSON"),
        ({"webchat_jwt_keys": {"k": KEY}}, "WEBCHAT_JWT_ISSUER"),
    ],
)
def test_wrong_settings_are_named(given: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        WebSettings(**given)
