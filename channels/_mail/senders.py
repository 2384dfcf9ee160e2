"""SPF (RFC 7208): whether a mail's sending host may send for its envelope's domain."""

import logging
from collections.abc import Mapping, Sequence
from typing import Final

import spf  # type: ignore[import-untyped]
from dns.rdata import Rdata
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.PTR import PTR
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA
from dns.rdtypes.txtbase import TXTBase

from channels._mail.lookup import Lookup

_log = logging.getLogger(__name__)

_MOST_VOID: Final = 2  # questions without an answer, after which a policy counts as broken (RFC 7208 section 4.6.4)

_Question = tuple[str, str]
_Answers = dict[_Question, list[object]]


class _Unanswered(Exception):
    def __init__(self, question: _Question) -> None:
        super().__init__(*question)
        self.question = question


class _Policy(spf.query):  # type: ignore[misc]
    """pyspf, which asks DNS by itself and blocks, made to stop at the first question that has no answer yet."""

    def __init__(self, host: str, sender: str, answers: _Answers) -> None:
        super().__init__(host, sender, "")
        self._answers = answers

    def dns(
        self,
        name: object,
        qtype: str,
        cnames: Mapping[str, str] | None = None,  # noqa: ARG002 - the resolver follows them
        ignore_void: bool = False,
    ) -> Sequence[object]:
        """The records of a name in the shapes that pyspf wants."""
        question = (str(name).rstrip(".").lower(), qtype)
        if question not in self._answers:
            raise _Unanswered(question)
        found = self._answers[question]
        if not found and not ignore_void:
            self.void_lookups += 1
            if self.void_lookups > _MOST_VOID:
                raise spf.PermError("too many names without records")
        return list(found)


async def may_send(host: str, sender: str, lookup: Lookup) -> bool:
    """Whether SPF passes for this host's address and this envelope sender. Raises DNSException."""
    answers: _Answers = {}
    while True:
        try:
            return bool(_Policy(host, sender, answers).check()[0] == "pass")
        except _Unanswered as wanted:
            records = await lookup.records(*wanted.question)
            answers[wanted.question] = [_shown(record) for record in records]
        except Exception as error:  # noqa: BLE001 - pyspf raises whatever a hostile policy makes it stumble over
            _log.info("a sender's SPF policy cannot be read: %s", type(error).__name__)
            return False


def _shown(record: Rdata) -> object:
    match record:
        case TXTBase():
            return record.strings
        case A() | AAAA():
            return record.address
        case MX():
            return record.preference, record.exchange.to_text(omit_final_dot=True)
        case PTR():
            return record.target.to_text(omit_final_dot=True)
    return None
