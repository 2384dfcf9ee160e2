"""Mail to colleagues: a case waits for one of them. Nobody reads what answers it; that happens at the console."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from channels._mail.headers import one_line
from channels._mail.letter import Letter, Letterhead
from channels._mail.seal import Seal, short_name
from channels._mail.threads import local_part
from core.errors import TryAgain, Undeliverable
from core.rooms import Call

_log = logging.getLogger(__name__)

_REMEMBERED: Final = 1_000
_ENDING: Final = "Answers to this mail are read by nobody and do not reach the customer. Answer here:"


@dataclass(frozen=True, kw_only=True)
class Notices:
    """The colleagues' mailboxes. `seal` makes the Message-IDs of what they are sent."""

    head: Letterhead
    seal: Seal
    mailboxes: Sequence[str]
    send: Callable[[Letter], Awaitable[None]]
    _told: dict[str, None] = field(default_factory=dict)  # Message-IDs that went out, the oldest first

    async def call(self, call: Call) -> str:
        """Mails each colleague, once however often it is tried; one of the Message-IDs. Raises TryAgain while one is
        not reached, and Undeliverable where nobody can be."""
        letters = [self._letter(call, mailbox) for mailbox in self.mailboxes]
        failures = [failure for letter in letters if (failure := await self._tell(letter))]
        for failure in failures:
            if isinstance(failure, TryAgain) or len(failures) == len(letters):
                raise failure
            _log.error("a colleague cannot be told of a case: %s", failure)
        return letters[0].message_id

    def answered_by(self, message_ids: Sequence[str]) -> bool:
        """Whether one of these, which a mail answers, is of a mail to colleagues."""
        return any(self.seal.open(local_part(one)) for one in message_ids)

    async def _tell(self, letter: Letter) -> TryAgain | Undeliverable | None:
        if letter.message_id in self._told:
            return None
        try:
            await self.send(letter)
        except (TryAgain, Undeliverable) as failure:
            return failure
        self._told[letter.message_id] = None
        if len(self._told) > _REMEMBERED:
            del self._told[next(iter(self._told))]
        return None

    def _letter(self, call: Call, mailbox: str) -> Letter:
        subject = f"Case {call.case}: {call.title}"
        return self.head.notice(
            message_id=f"<{self.seal.close(short_name(call.id, mailbox))}@{self.head.domain}>",
            to=mailbox,
            subject=f"Nobody has taken it yet: {subject}" if call.again else subject,
            text="\n".join([one_line(call.title), "", *call.packet.splitlines(), "", _ENDING, call.url, ""]),
        )
