"""A whole process in its everyday life and in trouble writes nothing about its customers, on either stream."""

import asyncio
import json
import sqlite3
from pathlib import Path

import aiohttp
import aiosmtplib

from tests.process.running import Bot, imports, start
from tests.process.test_run import twilio_settings
from tests.twins.mail import MailRelay
from tests.twins.twilio import Trouble, Twilio

NAME, MAILBOX, NUMBER = "Quentina Canarella", "quentina@canarella.test", "+15550177"
WORDS = "My purple kettle sings at night and the manual of the teapotamus does not help. I was charged $99 twice."
CANARIES = ("Quentina", "Canarella", "5550177", "kettle", "teapotamus", "canarella")
_LONG = 40  # seconds for all of it
ROW = {"external_id": "cus_1", "name": NAME, "email": MAILBOX, "phone": NUMBER}


async def test_neither_everyday_life_nor_trouble_names_a_customer(tmp_path: Path) -> None:
    await imports(tmp_path, ROW)
    async with (
        Twilio(account_sid="AC" + "1" * 32, auth_token="t0ken", number="+15550100") as twilio,
        MailRelay(answers={"RCPT": f"550 5.1.1 <{MAILBOX}>: {NAME} is unknown here"}).open() as relay,
    ):
        mail = {"SMTP_RELAY_HOST": "127.0.0.1", "SMTP_RELAY_PORT": str(relay.port), "SMTP_RELAY_STARTTLS": "false"}
        bot = await start(tmp_path, {**mail, **twilio_settings(twilio)})
        try:
            async with asyncio.timeout(_LONG):
                await bot.until("ready:")
                twilio.deliver_to = bot.url
                await _everyday_life(bot, twilio)
                await _trouble(bot, twilio)
                await _a_ledger_that_fails(bot, tmp_path)
        finally:
            bot.process.terminate()
            out, err = await bot.process.communicate()
    written = "\n".join([*bot.log, out.decode(), err.decode()])
    assert "550 5.1.1 there is no such mailbox" in written, "what to do stands there all the same"
    assert [word for word in CANARIES if word.lower() in written.lower()] == []


async def _everyday_life(bot: Bot, twilio: Twilio) -> None:
    await twilio.texts(NUMBER, WORDS)
    assert "kettle" not in (await asyncio.wait_for(twilio.outbox.get(), 10)).body
    call = twilio.calls(NUMBER, verstat="TN-Validation-Passed-A")
    await call.dials()
    await call.says(WORDS)
    await _chats(bot, WORDS)


async def _chats(bot: Bot, text: str) -> None:
    async with aiohttp.ClientSession(bot.url) as browser:
        async with browser.get("/chat") as page:
            cookie = {"cookie": page.headers["set-cookie"].partition(";")[0]}
        async with browser.post("/api/chat/messages", json={"id": "1", "text": text}, headers=cookie) as answer:
            assert answer.status == 202
        async with browser.post("/api/chat/messages", data=f'{{"text": "{text}"', headers=cookie) as answer:
            assert answer.status == 400


async def _trouble(bot: Bot, twilio: Twilio) -> None:
    await bot.mails(MAILBOX, WORDS)
    await bot.until("cannot be delivered")
    refusal = {"code": 21211, "message": f"Invalid 'To' Phone Number: {NUMBER}", "status": 400}
    twilio.troubles.append(Trouble(status=400, body=json.dumps(refusal)))
    await twilio.texts(NUMBER, f"Is anybody there? This is {NAME}, {MAILBOX}.")
    await bot.until("cannot be delivered")
    async with aiohttp.ClientSession(bot.url) as outside:
        unsigned = outside.post("/twilio/sms", data={"From": NUMBER, "Body": WORDS, "ProfileName": NAME})
        async with unsigned as answer:
            assert answer.status == 403
    await _malformed_mail(bot)


async def _malformed_mail(bot: Bot) -> None:
    """One with a header that has no end."""
    endless = "\r\n ".join([WORDS] * 100)
    lines = [f"From: {NAME} <{MAILBOX}>", "To: support@acme.test", f"Subject: {endless}", "", WORDS]
    smtp = aiosmtplib.SMTP(hostname="127.0.0.1", port=int(bot.smtp_port), start_tls=False)
    async with smtp:
        await smtp.sendmail(MAILBOX, ["support@acme.test"], "\r\n".join(lines))
    await bot.until("is parked")


async def _a_ledger_that_fails(bot: Bot, folder: Path) -> None:
    """A turn that fails for good is written down with where it failed."""
    with sqlite3.connect(folder / "var" / "throughline.db", timeout=10) as ledger:
        ledger.execute("ALTER TABLE facts RENAME TO facts_away")
    await _chats(bot, WORDS)
    await bot.until("turn failed")
