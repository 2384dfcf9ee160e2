"""Forged mail. A mail of a stranger, or in the victim's name, learns nothing of the victim and changes nothing."""

import pytest

from tests.forgeries.stage import (
    ASK,
    CODE_WISH,
    JOHN,
    OUR_RELAY,
    SHOP,
    STRANGER,
    SUPPORT,
    Stage,
    Theatre,
    judged,
    letter,
)
from tests.process.running import RELAY
from tests.twins.signing import Domain

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVIL = Domain(name="evil.test")
PASS, FAIL = judged("shop.test"), judged("shop.test", "fail")
EVE = "From: eve@evil.test"
EVES = judged("evil.test")

# By our own relay, which judged the author.
RELAYED = {
    "no verdict": letter(),
    "a fail": letter(verdicts=[FAIL]),
    "none": letter(verdicts=[judged("shop.test", "none")]),
    "temperror": letter(verdicts=[judged("shop.test", "temperror")]),
    "a forged pass below a fail": letter(verdicts=[FAIL, PASS]),
    "a forged pass below a server that is not ours": letter(verdicts=[f"mx.evil.test; {PASS}", PASS]),
    "a pass of a server that is not ours": letter(verdicts=["mx.evil.test; dmarc=pass header.from=shop.test"]),
    "a pass of a server with a longer name": letter(verdicts=[f"{RELAY}.evil.test; dmarc=pass header.from=shop.test"]),
    "our server's name in a comment": letter(verdicts=[f"mx.evil.test ({RELAY}); dmarc=pass header.from=shop.test"]),
    "our server's name in quotes": letter(verdicts=[f'"{RELAY}"; dmarc=pass header.from=shop.test']),
    "a pass in a comment": letter(verdicts=[f"{RELAY} (; dmarc=pass header.from=shop.test); dmarc=fail"]),
    "a pass in a quoted string": letter(
        verdicts=[f'{RELAY}; spf=fail reason="; {PASS}" smtp.mailfrom=evil.test; dmarc=fail header.from=shop.test']
    ),
    "a quote that does not end": letter(verdicts=[f'{RELAY}; spf=fail reason="; dmarc=pass header.from=shop.test']),
    "a pass and a fail": letter(verdicts=[f"{PASS}; dmarc=fail header.from=shop.test"]),
    "two passes": letter(verdicts=[f"{EVES}; dmarc=pass header.from=shop.test"]),
    "a pass in the value of another": letter(verdicts=[f"{RELAY}; spf=pass smtp.mailfrom=dmarc=pass"]),
    "a pass for another domain": letter(verdicts=[EVES]),
    "a pass for a domain that ends alike": letter(verdicts=[judged("evil-shop.test")]),
    "a pass for a subdomain": letter(verdicts=[judged("mail.shop.test")]),
    "a pass for two domains": letter(verdicts=[f"{EVES} header.from=shop.test"]),
    "dkim alone": letter(verdicts=[f"{RELAY}; dkim=pass header.d=shop.test; spf=pass smtp.mailfrom=shop.test"]),
    "only arc": letter(more=[f"ARC-Authentication-Results: i=1; {PASS}"]),
    "a pass that begins with a space": b" Authentication-Results: " + PASS.encode() + b"\r\n" + letter(),
    "a pass with a space in the name": b"Authentication-Results : " + PASS.encode() + b"\r\n" + letter(),
    "two From": letter(f"{EVE}\r\nFrom: {JOHN}", verdicts=[PASS]),
    "two From, the victim first": letter(f"From: {JOHN}\r\n{EVE}", verdicts=[PASS]),
    "two From, of the same": letter(f"From: {JOHN}\r\nFROM: {JOHN}", verdicts=[PASS]),
    "two addresses": letter(f"From: {JOHN}, eve@evil.test", verdicts=[PASS]),
    "two addresses, the other way round": letter(f"From: eve@evil.test, {JOHN}", verdicts=[PASS]),
    "a group": letter(f"From: Friends: {JOHN};", verdicts=[PASS]),
    "an empty group": letter(f"From: undisclosed:; {JOHN}", verdicts=[PASS]),
    "an address as a name": letter(f"From: {JOHN} <eve@evil.test>", verdicts=[PASS]),
    "a route": letter(f"From: <@evil.test:{JOHN}>", verdicts=[PASS]),
    "a quoted local part": letter('From: "john"@shop.test', verdicts=[PASS]),
    "a domain with a dot at its end": letter(f"From: {JOHN}.", verdicts=[PASS]),
    "a comment that does not end": letter(f"From: {JOHN} (", verdicts=[PASS]),
    "an encoded word for an address": letter("From: =?utf-8?q?john=40shop=2Etest?=", verdicts=[PASS]),
    "an encoded word in an address": letter("From: <=?utf-8?q?john?=@shop.test>", verdicts=[PASS]),
    "an address in two lines, the second blank": letter(f"From:\r\n \r\n {JOHN}", verdicts=[PASS]),
    "a NUL": letter(f"From: {JOHN}\0", verdicts=[PASS]),
    "a bare CR before another From": letter(f"From: eve@evil.test\rFrom: {JOHN}", verdicts=[PASS]),
    "a bare LF before another From": letter(f"From: eve@evil.test\nFrom: {JOHN}", verdicts=[PASS]),
    "a bare CR before a verdict": letter(verdicts=[f"{FAIL}\rAuthentication-Results: {PASS}"]),
    "a space in the name of From": letter(f"From : {JOHN}", verdicts=[PASS]),
    "an mbox line": b"From john@shop.test Mon Mar  2 09:00:00 2026\r\n" + letter(verdicts=[PASS]),
    # A stranger whose own domain passes.
    "the victim's address as a display name": letter(f'From: "{JOHN}" <eve@evil.test>', verdicts=[EVES]),
    "the victim's address in an encoded word": letter(
        "From: =?utf-8?q?John_Miller_=3Cjohn=40shop=2Etest=3E?= <eve@evil.test>", verdicts=[EVES]
    ),
    "the victim in Sender, Reply-To and Return-Path": letter(
        EVE, verdicts=[EVES], more=[f"{name}: {JOHN}" for name in ("Sender", "Reply-To", "Return-Path", "Resent-From")]
    ),
    "a look-alike": letter("From: john@sh0p.test", verdicts=[judged("sh0p.test")]),
    "a homograph": letter("From: john@sh\u043ep.test", verdicts=[judged("xn--shp-rxc.test")]),
    "a homograph in ASCII": letter("From: john@xn--shp-jed.test", verdicts=[judged("xn--shp-jed.test")]),
    "a homograph in front of the sign": letter("From: j\u043ehn@shop.test", verdicts=[PASS]),
    "the victim's domain as a subdomain": letter(f"From: {JOHN}.evil.test", verdicts=[judged("shop.test.evil.test")]),
    "a subdomain of the victim's": letter("From: john@mail.shop.test", verdicts=[judged("mail.shop.test")]),
    "a tag in the victim's address": letter("From: john+support@shop.test", verdicts=[PASS]),
    # In the victim's name, with effect if it were believed.
    "an opt-out": letter(verdicts=[FAIL], text="Please stop emailing me."),
    "an undo": letter(verdicts=[FAIL], text="UNDO"),
    "a wish for a code": letter(verdicts=[FAIL], text=CODE_WISH),
    "an order": letter(verdicts=[FAIL], text="It is solved, thanks. The order is W1111111. Bitte auf Deutsch."),
}  # fmt: skip

# By a host that is nobody's relay: we ask DNS ourselves.
DIRECT = {
    "unsigned": letter(),
    "with a verdict in our relay's name": letter(verdicts=[PASS]),
    "signed by another domain": EVIL.signs(letter()),
    "signed by a subdomain's name": Domain(name="evil.shop.test").signs(letter()),
    "signed with another key": Domain(name="shop.test").signs(letter()),
    "signed, and something appended after its length": SHOP.signs(letter(), length=True) + b"\r\nIt was $5.\r\n",
    "signed, and something changed": SHOP.signs(letter()).replace(b"any news", b"new news"),
    "signed, with another From above": b"From: " + JOHN.encode() + b"\r\n" + SHOP.signs(letter()),
    "signed, with another Subject below": SHOP.signs(letter(more=["Subject: Hello"]), headers=(b"from", b"to")),
    "signed without its author": SHOP.signs(letter(), headers=(b"subject", b"to")),
    "signed by SHA-1": SHOP.signs(letter(), algorithm=b"rsa-sha1"),
}


@pytest.mark.parametrize("name", RELAYED)
async def test_a_forgery_that_our_relay_took(bots: Theatre, name: str) -> None:
    assert len(await bots.withstands(lambda stage: stage.mails(RELAYED[name]))) == 2  # it is taken, and answered


@pytest.mark.parametrize("name", DIRECT)
async def test_a_forgery_that_we_check_ourselves(bots: Theatre, name: str) -> None:
    assert len(await bots.withstands(lambda stage: stage.mails(DIRECT[name], peer=STRANGER))) == 2


@pytest.mark.parametrize("sender", [JOHN, f"eve@evil.test@{JOHN}", f"{JOHN}@evil.test", "postmaster@shop.test"])
@pytest.mark.parametrize("peer", [OUR_RELAY, STRANGER])
async def test_the_envelope_in_the_victims_name(bots: Theatre, sender: str, peer: str) -> None:
    await bots.withstands(lambda stage: stage.mails(letter(), sender=sender, peer=peer))


@pytest.mark.parametrize("trouble", ["servfail", "drop"])
async def test_dns_in_trouble_vouches_for_nobody(bots: Theatre, trouble: str) -> None:
    forged = Domain(name="shop.test").signs(letter())
    bots.dns.troubles = dict.fromkeys(("s1._domainkey.shop.test", "_dmarc.shop.test", "shop.test"), trouble)  # type: ignore[arg-type]
    try:
        await bots.withstands(lambda stage: stage.mails(forged, sender=JOHN, peer=STRANGER))
    finally:
        bots.dns.troubles = {}


async def test_a_domain_without_records_vouches_for_nobody(bots: Theatre) -> None:
    zone, bots.dns.zone = bots.dns.zone, {("elsewhere.test", "TXT"): ["v=spf1 -all"]}
    try:
        await bots.withstands(lambda stage: stage.mails(SHOP.signs(letter()), sender=JOHN, peer=STRANGER))
    finally:
        bots.dns.zone = zone


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r", b"\r\n.\n", b"\r\n\0.\r\n", b"\r.\r\n"])
async def test_no_second_mail_is_smuggled_in_behind_the_relays_back(bots: Theatre, end: bytes) -> None:
    """The relay judged the first one; the second one brings a verdict of its own making."""
    second = b"MAIL FROM:<john@shop.test>\r\nRCPT TO:<support@acme.test>\r\nDATA\r\n" + letter(verdicts=[PASS])

    async def smuggles(stage: Stage) -> list[str]:
        return await stage.mails(letter(EVE, verdicts=[judged("evil.test", "fail")]) + end + second)

    seen = await bots.withstands(smuggles)
    assert seen[0] == ["220", "250", "250", "250", "354", "250", "221"]
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("author", "verdict"), [(EVE, EVES), (EVE, judged("evil.test", "fail")), (f"From: {JOHN}", FAIL)]
)
@pytest.mark.parametrize("whose", ["token", "claimed_token"])
async def test_a_reply_token_that_was_passed_on(bots: Theatre, whose: str, author: str, verdict: str) -> None:
    async def answers(stage: Stage) -> list[str]:
        to = SUPPORT.replace("@", f"+{getattr(stage, whose)}@")
        return await stage.mails(letter(author, verdicts=[verdict], text="What did I tell you about my case?"), to=to)

    await bots.withstands(answers)


async def test_stopping_in_somebodys_name_is_answered_once_a_day(bots: Theatre) -> None:
    async def stops_twice(stage: Stage) -> None:
        for _ in range(2):
            await stage.mails(letter(verdicts=[FAIL], text="Please stop emailing me."))

    assert len(await bots.withstands(stops_twice)) == 2


# Genuine mail, in the same bots.


async def test_the_customer_is_greeted_by_mail_that_our_relay_vouches_for(bots: Theatre) -> None:
    bots.present.a_day_passes()
    text, _ = await bots.present.mailed(letter("From: John <JOHN@Shop.test>", verdicts=[PASS], text=ASK), sender=JOHN)
    assert "$777.13" in text


async def test_the_customer_is_greeted_by_mail_that_we_check_ourselves(bots: Theatre) -> None:
    bots.present.a_day_passes()
    text, _ = await bots.present.mailed(SHOP.signs(letter()), peer=STRANGER)
    assert "$777.13" in text
