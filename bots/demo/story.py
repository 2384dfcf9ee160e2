"""John's story: he chats, calls and mails, and says everything once; a colleague at the console solves it.

What customers and colleagues say is written here. Whatever the bot says comes from its sockets.
"""

import asyncio
import signal
import textwrap
from collections.abc import Awaitable, Callable, Sequence

from bots.demo import console, outside
from bots.demo.console import Agent, Page
from bots.demo.outside import Call, text_of
from bots.demo.patience import within
from bots.demo.stage import line, note, panel, scene
from bots.demo.town import BRAND, Customer, Town, founded
from core.errors import Problem

_BOT = f"{BRAND}'s bot"
_JOHN = {"external_id": "cus_1", "name": "John Miller", "email": "john@shop.test", "phone": "+15550142", "plan": "Pro"}
_ANN = {"external_id": "cus_2", "name": "Ann Baker", "email": "ann@shop.test", "phone": "+15550143", "plan": "Pro"}
_COMPLAINT = (
    "I was charged $99 but I downgraded to the $49 plan last week. This is the THIRD time this has happened!"
    " I already checked the invoice."
)
_REPLY = "Hi John, the $50 is on its way back to you and the downgrade now holds. I am sorry. Maria from Acme"
_LEARNT = "Refunded the difference"
_RESOLUTION = f"{_LEARNT} and moved John's account off the old price by hand"
_LONGEST_LINE = 160  # characters
_PANEL = ("The issue", "Why a person is needed", "What the customer tried", "Timeline")
_PLAYBOOK = "What worked for others"
_PAUSE = 0.2  # seconds between two looks at a page
_LONGEST_PANEL = 8  # lines; of a longer one the first and the last are shown


async def demo() -> None:
    """Plays the story and prints it. Raises Problem when a step fails or takes more than 20 seconds."""
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))  # either way it tidies up
    now = asyncio.get_running_loop().time
    began = now()
    note(f"{BRAND} starts the real bot in a folder of its own and imports its customers.")
    try:
        async with founded([_JOHN, _ANN]) as town:
            for play in (_chats, _calls, _mails, _is_helped, _is_learnt_from):
                await play(town)
    except Problem as problem:
        raise Problem(f"demo: {problem}") from None
    note(f"Played in {now() - began:.0f} s. The bot has ended, and its folder is deleted.")


async def _chats(town: Town) -> None:
    scene("John is signed in on the website, and chats")
    async with outside.chatting(town.url, _login(town, _JOHN)) as chat:
        await _say("chat", "John", _COMPLAINT, chat.says)
        await _say("chat", "John", "The order is W4829137.", chat.says)


async def _calls(town: Town) -> None:
    scene("Nobody has looked at it yet, so John calls")
    note("The carrier vouches for his number.")
    call = Call(phone=town.phone, account=town.twilio, caller=_JOHN["phone"], url=f"{town.url}/twilio/voice")
    line("phone", _BOT, await within("phone", call.dials()))
    await _say("phone", "John", "Is there any news?", call.says)
    await within("phone", call.hangs_up())


async def _mails(town: Town) -> None:
    scene("Later he mails")
    note("The mail server has checked that the mail comes from his domain (dmarc=pass).")
    await _mail(town, "John", "Is there any news about this?", dmarc="pass")
    note("Somebody else writes as john@shop.test. The mail server noticed (dmarc=fail); the answer goes to John.")
    await _mail(town, "a forger", "It is John. Which order was that again, and what did I tell you?", dmarc="fail")


async def _mail(town: Town, speaker: str, text: str, *, dmarc: str) -> None:
    async def brings(text: str) -> str:
        return text_of(await town.mail.brings(_JOHN["email"], text, dmarc=dmarc))

    await _say("email", speaker, text, brings)


async def _is_helped(town: Town) -> None:
    scene("Maria signs in to the console")
    async with console.agent(town.url) as maria:
        await within("console", maria.signs_in(town.console_token))
        page = await within("console", maria.follows(_JOHN["name"]))
        panel(page.title, page.lines("")[-1:])
        for heading in _PANEL:
            panel(heading, _shortened(page.lines(heading)))
        await within("console", maria.presses("Take"))
        line("console", "Maria", _REPLY)
        await within("console", maria.presses("Send", reply=_REPLY))
        mail = await within("email", town.mail.arrived.get())
        note(f"{mail['To']} gets a mail.")
        line("email", BRAND, text_of(mail))
        line("console", "Maria", f"Resolved: {_RESOLUTION}.")
        page = await within("console", maria.presses("Resolve", resolution=_RESOLUTION))
        panel("How it ended", page.lines("How it ended"))


async def _is_learnt_from(town: Town) -> None:
    scene("The next one with such a problem is Ann")
    async with outside.chatting(town.url, _login(town, _ANN)) as chat, console.agent(town.url) as maria:
        await _say("chat", "Ann", "I was charged $99 although I downgraded to the $49 plan.", chat.says)
        await _say("chat", "Ann", "Order W7730021. Can I talk to a person, please?", chat.says)
        await within("console", maria.signs_in(town.console_token))
        await within("console", maria.follows(_ANN["name"]))
        page = await within("playbook", _suggested(maria))
        panel(f"{page.title}: what worked for others", page.lines(_PLAYBOOK))


async def _say(channel: str, speaker: str, text: str, says: Callable[[str], Awaitable[str]]) -> None:
    """Somebody says something, and the bot answers."""
    line(channel, speaker, text)
    line(channel, _BOT, await within(channel, says(text)))


def _login(town: Town, customer: Customer) -> dict[str, str]:
    return outside.login(town.jwt_key, subject=customer["external_id"], email=customer["email"])


async def _suggested(maria: Agent) -> Page:
    """The open case once it suggests what was learnt: memory learns behind the answer, and a page does not wait."""
    while True:
        page = await maria.reloads()
        if any(_LEARNT in words for words in page.lines(_PLAYBOOK)):
            return page
        await asyncio.sleep(_PAUSE)


def _shortened(lines: Sequence[str]) -> Sequence[str]:
    """The beginnings of lines; of many lines the first and the last."""
    half = _LONGEST_PANEL // 2
    shown = [textwrap.shorten(text, _LONGEST_LINE, placeholder=" ...") for text in lines]
    return shown if len(shown) <= _LONGEST_PANEL else [*shown[:half], f"({len(shown) - 2 * half} more)", *shown[-half:]]
