"""Mail that no customer wrote: answering it would make a loop (RFC 3834)."""

from typing import Final

from channels._mail.headers import Headers, readable

_MASS: Final = frozenset({"bulk", "list", "junk", "auto_reply"})
_MACHINES: Final = (
    "list-id", "list-post", "x-autoreply", "x-autorespond", "x-auto-reply", "x-mail-autoreply", "x-autoreply-from",
    "x-failed-recipients",
)  # fmt: skip
_SUPPRESSED: Final = frozenset({"all", "autoreply", "oof"})
_POSTMASTERS: Final = ("mailer-daemon@", "postmaster@")
# How the subject of such an answer begins. By itself it proves nothing: people write about their holidays too.
_AWAY: Final = (
    "automatic reply", "auto-reply", "auto reply", "autoreply", "auto:", "out of office", "out of the office",
    "automatische antwort", "abwesenheitsnotiz", "abwesend", "abwesenheit", "réponse automatique", "absence du bureau",
    "respuesta automática", "fuera de la oficina", "risposta automatica", "fuori sede", "resposta automática",
    "ausência temporária", "automatisch antwoord", "afwezig", "autosvar", "automatiskt svar", "frånvaro",
    "automatisk svar", "automaattinen vastaus", "poissa", "odpowiedź automatyczna", "autoodpowiedź", "автоответ",
    "автоматический ответ", "otomatik yanıt", "automatická odpověď", "自動返信", "自动回复", "自動回覆", "자동 회신",
)  # fmt: skip


def is_automatic(headers: Headers, media_type: str, author: str, envelope_sender: str | None) -> bool:
    """Whether a program wrote this. `envelope_sender` is None where it is not known, "" for a bounce."""
    submitted = headers.first("auto-submitted").lower().split(";")[0].split("(")[0].strip()
    return (
        envelope_sender in ("", "<>")
        or submitted not in ("", "no")
        or headers.first("precedence").strip().lower() in _MASS
        or any(headers.all(name) for name in _MACHINES)
        or not _SUPPRESSED.isdisjoint(_listed(headers.first("x-auto-response-suppress")))
        or media_type == "multipart/report"
        or author.startswith(_POSTMASTERS)
        or _says_away(headers)
    )


def _listed(value: str) -> list[str]:
    return [one.strip() for one in value.lower().split(",")]


def _says_away(headers: Headers) -> bool:
    """Whether an answer to another mail has the subject of a machine's: people's begin with "Re:" there."""
    answers = headers.first("in-reply-to") or headers.first("references")
    return bool(answers) and readable(headers.first("subject")).casefold().startswith(_AWAY)
