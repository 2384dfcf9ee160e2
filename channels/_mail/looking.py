"""How a mail will look, before it is written."""

from channels._markdown.looking import as_page, on_any
from channels._markdown.plain import PLAIN
from channels._markdown.tree import read
from core.channel import Look
from core.messages import Reply


def look(reply: Reply) -> Look:
    """Its text part, to the letter, and its HTML part."""
    remarks = ["One mail, as text and as HTML: their mail program chooses.", *on_any(reply.text)]
    return Look(messages=[PLAIN.show(read(reply.text))], page=as_page(reply.text, reply.language), remarks=remarks)
