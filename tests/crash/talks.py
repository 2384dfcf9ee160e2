"""Two more scenes: a call on a socket, and a customer who goes on by text with the code that the chat showed."""

import asyncio
import re
import uuid
from collections.abc import Mapping, Sequence
from functools import partial

import aiohttp
from sqlalchemy import Connection, select

from channels._markdown.speech import speakable
from channels._voice.phrases import phrases
from core.backends.ledger.database import open_database
from core.backends.ledger.schema import cases, codes, links, messages
from tests.crash.audit import Outside, kept, key
from tests.crash.house import House, again
from tests.crash.scenes import ANN, UNHEARD, Calls, Chat, Texts
from tests.crash.words import CHARGED, HUMAN
from tests.twins.relay import BadFrame, RelayCall
from tests.twins.twilio import Answer

GO_ON = "Can you give me a code so that I can go on by text?"
JOHN, SOMEBODY = "+15550177", "+15550178"
_CUT = (BadFrame, ConnectionError, *UNHEARD)


class Relayed(Calls):
    """The telephone, on a socket. Twilio asks what to do once it is lost, and the call goes on by Gather; who is told
    that nothing was heard says it again, in the same words."""

    name = "relay"

    @property
    def settings(self) -> Mapping[str, str]:
        return {**super().settings, "VOICE_MODE": "relay"}

    async def play(self, house: House) -> None:
        self.call = self.twilio.calls(ANN, verstat="TN-Validation-Passed-A")
        self.socket = RelayCall(twilio=self.twilio, caller=ANN, verstat=self.call.verstat, sid=self.call.sid)
        told = [CHARGED, HUMAN]
        await again(self.rings, *UNHEARD)
        try:
            await self.socket.opens()
            await self.socket.hears()
            while told:
                await self.socket.asks(told[0])
                told.pop(0)
        except _CUT:
            self.call.obeys(await again(self.goes_on, *UNHEARD))
            await self.by_gather(told)
        else:
            await self.socket.drops()
        await house.quiet()
        self.missing = await self.unsaid(house)

    async def rings(self) -> None:
        if (await self.socket.rings()).status != 200:
            raise ConnectionError("the call was not taken")

    async def goes_on(self) -> Answer:
        answer = await self.socket.goes_on_without()
        if answer.status != 200:
            raise ConnectionError("the call is not taken up")
        return answer

    async def by_gather(self, told: Sequence[str]) -> None:
        await self.listen()
        for text in told:
            if not self.call.ended:  # it ends once a colleague has the case: they were heard
                await again(partial(self.call.says, text), *UNHEARD)
                await self.listen()

    async def unsaid(self, house: House) -> Sequence[str]:
        """What was told and is not on record, and whether who said it again was taken for a machine."""
        database = open_database(house.address)
        try:
            texts = await database.read(lambda tx: tx.execute(select(messages.c.text)).scalars().all())
            reasons = await database.read(lambda tx: tx.execute(select(cases.c.reason)).scalars().all())
        finally:
            await database.close()
        missing = [text for text in (CHARGED, HUMAN) if not any(text in said for said in texts)]
        return [*(f"not on record: {text}" for text in missing), *(why for why in reasons if "again and again" in why)]

    async def faults(self, house: House) -> Sequence[str]:
        return self.missing

    def outside(self) -> Outside:
        heard, going = list(self.call.heard), ""
        for frame in self.socket.frames:
            if frame["type"] == "text":
                going += frame["token"]
                if frame.get("last"):
                    heard.append(going.strip())
                    going = ""
        replies = [text for text in heard if text not in phrases("en")]  # and not what the telephone says by itself
        return Outside(got=replies, said=None, as_heard=lambda text: speakable(text, "en"))


class Linked(Chat, Texts):
    """John is shown a code in the chat, enters it by text, and confirms; then somebody else enters it too."""

    name = "link"

    async def open(self) -> None:
        await Chat.open(self)
        await Texts.open(self)

    @property
    def settings(self) -> Mapping[str, str]:
        return {**Chat.settings.__get__(self), **Texts.settings.__get__(self), "CHANNELS": "web,sms"}

    async def play(self, house: House) -> None:
        self.twilio.deliver_to = self.twilio.public = house.url
        async with aiohttp.ClientSession(house.url, headers=self.signed()) as page:
            following = asyncio.create_task(again(lambda: self.follow(page), *UNHEARD))
            try:
                message = {"id": uuid.uuid4().hex, "text": GO_ON}
                await again(partial(self.post, page, message), *UNHEARD)
                await house.quiet()
                await house.until(self.code)
                await self.texted(house, JOHN, self.code())
                await self.texted(house, JOHN, self.pair())
                await self.texted(house, SOMEBODY, f"My code is {self.code()}")
                said = {key(reply[0]) for reply in (await kept(house.address)).replies}
                await house.until(lambda: said <= {key(text) for text in self.outside().got})
            finally:
                following.cancel()
                await asyncio.wait([following])

    async def texted(self, house: House, number: str, text: str) -> None:
        before = len(self.got(number))
        await self.texts(house, text, number)
        await house.has(before + 1, lambda: self.got(number))
        await house.quiet()

    def got(self, number: str) -> set[str]:
        return {one.body for one in self.twilio.sent if one.to == number}

    def code(self) -> str:
        return "".join(re.findall(r"code is (\d{6})", " ".join(self.shown.values()))[:1])

    def pair(self) -> str:
        return "".join(re.findall(r"answer with (\d\d)", " ".join(self.got(JOHN)))[:1])

    async def faults(self, house: House) -> Sequence[str]:
        database = open_database(house.address)
        try:
            made, used = await database.read(_links)
        finally:
            await database.close()
        is_once = (made, used) == (1, 1)
        return [] if is_once else [f"{made} links were made, and {used} codes used"]

    def outside(self) -> Outside:
        got = [*self.shown.values(), *self.doubled, *(one.body for one in self.twilio.sent)]
        return Outside(got=got, said=4)


def _links(tx: Connection) -> tuple[int, int]:
    made = tx.execute(select(links.c.id).where(links.c.kind == "code", links.c.retired_at.is_(None))).all()
    used = tx.execute(select(codes.c.id).where(codes.c.used_at.is_not(None))).all()
    return len(made), len(used)
