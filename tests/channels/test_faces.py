"""One reply, many faces: what each channel makes of one Markdown, and that no text whatever breaks a face.

The golden files stand in tests/samples/faces; a change of one is a change of what customers see.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels._markdown.discord import DISCORD
from channels._markdown.html import elements, page
from channels._markdown.plain import PLAIN
from channels._markdown.slack import MRKDWN
from channels._markdown.speech import speakable
from channels._markdown.split import split
from channels._markdown.tree import Block, Fence, Link, read, seen
from tests.site import SAMPLES

FACES = SAMPLES / "faces"
REPLY = (FACES / "reply.md").read_text(encoding="utf-8")
SHOWS: dict[str, Callable[[Sequence[Block]], str]] = {
    "plain.txt": PLAIN.show,
    "slack.txt": MRKDWN.show,
    "discord.txt": DISCORD.show,
    "mail.html": lambda blocks: page(blocks, "en"),
    "web.json": lambda blocks: json.dumps(elements(blocks), ensure_ascii=False, indent=1),
    "speech.txt": lambda _blocks: speakable(REPLY, "en"),
}
MARKUP = [
    "**", "*", "_", "`", "``", "```", "\n```\n", "\n\n", "\n", "\n- ", "\n1. ", "\n> ", "\n# ", "\n    ", "[", "](",
    ")", "https://acme.test/a_b", "[page](https://acme.test)", "mailto:a@b.test", "@everyone", "@here", "@channel",
    "<!channel>", "<@U1>", "<@&9>", "<#C1>", "<", ">", "&", "&amp;", "\\", "|", "~~", "word ", "Sentence. ", "中文。",
    "👩\u200d💻", "🇩🇪", "é", "\u202e", "\u200b", "\x00", "\r\n", "\t", "3*4*5", "#4417", "\n```py\n",
]  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=10_000),
    st.lists(st.sampled_from(MARKUP), max_size=600).map("".join),
    st.lists(st.one_of(st.sampled_from(MARKUP), st.text(max_size=8)), max_size=400).map("".join),
    st.tuples(st.sampled_from(MARKUP), st.integers(1, 1_200)).map(lambda told: (told[0] * told[1])[:10_000]),
)


@pytest.mark.parametrize("name", SHOWS)
def test_one_reply_has_its_face_on_every_channel(name: str) -> None:
    assert SHOWS[name](read(REPLY)) + "\n" == (FACES / name).read_text(encoding="utf-8")


def test_what_only_html_shows_is_the_same_in_the_chat() -> None:
    shown = json.loads((FACES / "web.json").read_text(encoding="utf-8"))
    assert [tag for tag, *_ in shown] == ["h2", "p", "ol", "blockquote", "pre", "p"]


def letters(text: str) -> Counter[str]:
    """All letters and digits of a text."""
    return Counter("".join(re.findall(r"[^\W_]", text)))


def kinds(blocks: Iterable[object]) -> set[type]:
    return {type(b) for b in blocks}.union(*(kinds(getattr(b, "children", ())) for b in blocks))


def parts_of(blocks: Sequence[Block], show: Callable[[Sequence[Block]], str], room: int) -> list[str]:
    """The parts, of which each is within the limit, and which together say all."""
    parts = list(split(blocks, show, room))
    assert all(0 < len(part) <= room for part in parts)
    said, whole = (re.sub(r"```[\w+#.-]*", "", text) for text in ("\n".join(parts), show(blocks)))
    assert letters(unescape(said)) == letters(unescape(whole))
    return parts


@settings(deadline=None, max_examples=150)
@given(TEXTS)
def test_no_word_is_lost_in_reading(text: str) -> None:
    blocks = read(text)
    if not kinds(blocks) & {Fence, Link}:  # a language is not said, and an address that is its own words is said once
        assert letters(PLAIN.show(blocks)) == letters(seen(text))


@settings(deadline=None, max_examples=100)
@given(TEXTS)
def test_no_text_breaks_slack(text: str) -> None:
    for part in parts_of(read(text), MRKDWN.show, 3_000):
        assert not re.search(r"<(?!https?:|mailto:)|@(?:here|channel|everyone)\b", part, re.IGNORECASE)
        assert part.count("```") % 2 == 0


@settings(deadline=None, max_examples=100)
@given(TEXTS)
def test_no_text_breaks_discord(text: str) -> None:
    for part in parts_of(read(text), DISCORD.show, 2_000):
        assert not re.search(r"(?<!\w)@(?:everyone|here)|<(?:@|#|/|a?:\w|t:|id:)", part, re.IGNORECASE)
        assert part.count("```") % 2 == 0


@settings(deadline=None, max_examples=100)
@given(TEXTS)
def test_no_text_breaks_plain_text(text: str) -> None:
    parts_of(read(text), PLAIN.show, 1_600)


class Seen(HTMLParser):
    """What a browser makes of a page: its words, and the addresses that it leads to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.words = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name == "href"]
        assert {name for name, _ in attrs} <= {"href", "rel", "value", "lang", "dir", "charset", "name", "content"}
        if tag not in ("br", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data * ("style" not in self.open)


OURS = {"html", "head", "meta", "style", "body", "p", "br", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li"}
OURS |= {"blockquote", "pre", "code", "strong", "em", "a"}


@settings(deadline=None, max_examples=100)
@given(TEXTS)
def test_no_text_becomes_html_of_its_own(text: str) -> None:
    blocks = read(text)
    shown = Seen(page(blocks, "en"))
    assert set(shown.tags) <= OURS
    assert not shown.open
    assert all(re.match(r"https?://|mailto:", address, re.IGNORECASE) for address in shown.addresses)
    if not kinds(blocks) & {Fence, Link} and not re.search(r"\d[.)]", text):  # a browser numbers a list itself
        assert letters(shown.words) == letters(seen(text))


@settings(deadline=None, max_examples=100)
@given(TEXTS)
def test_no_text_trips_a_voice(text: str) -> None:
    assert not set("&<>*`|~\\[]{}#") & set(speakable(text, "en"))


def test_a_part_ends_between_blocks_lines_sentences_or_words_and_code_is_opened_again() -> None:
    first, sentences = "a " * 500, "One sentence of a few words. " * 60
    code = "```py\n" + "\n".join(f"line {n}" for n in range(300)) + "\n```"
    listed = "\n".join(f"{n}. Item {n} " + "x" * 40 for n in range(1, 60))
    parts = list(split(read(f"{first}\n\n{sentences}\n\n{code}\n\n{listed}"), DISCORD.show, 1_200))
    assert parts[0] == first.strip()
    assert all(part.endswith(".") for part in parts[1:2])
    fenced = [part for part in parts if "```" in part]
    assert len(fenced) > 1
    assert all(part.count("```py\nline ") == 1 and part.count("\n```") == 1 + part.count("\n```py") for part in fenced)
    lines = re.findall(r"^line (\d+)$", "\n".join(fenced), re.MULTILINE)
    assert lines == [str(n) for n in range(300)]
    items = [line for part in parts for line in part.splitlines() if "Item" in line]
    assert [line.split(".")[0] for line in items] == [str(n) for n in range(1, 60)]


def test_code_with_room_in_a_message_of_its_own_is_not_cut() -> None:
    code = "```\n" + "\n".join(f"line {n} of some" for n in range(60)) + "\n```"
    assert list(split(read(f"{'intro ' * 30}\n\n{code}"), DISCORD.show, 1_100)) == [("intro " * 30).strip(), code]


def test_the_rest_of_a_divided_item_has_no_number_of_its_own() -> None:
    [first, *others] = split(read("3. " + "many words " * 200), PLAIN.show, 800)
    assert first.startswith("3. many")
    assert all(part.startswith(("many", "words")) for part in others)


@pytest.mark.parametrize("empty", ["7.\n", "7. ```\n   ```\n", "7. >\n", "7. #\n"])
def test_items_without_words_keep_their_numbers(empty: str) -> None:
    assert "".join(split(read(empty * 300), PLAIN.show, 800)).count("7.") == 300


def test_a_link_stays_whole_and_one_without_room_becomes_words() -> None:
    link = f"[the page](https://acme.test/{'a' * 300})"
    parts = list(split(read("word " * 60 + link + " word" * 60), MRKDWN.show, 500))
    assert f"<https://acme.test/{'a' * 300}|the page>" in " ".join(parts)
    ampersands = "https://acme.test/?" + "&" * 900
    parts = list(split(read(f"[the page]({ampersands})"), MRKDWN.show, 1_000))
    assert unescape("".join(parts)) == f"the page{ampersands}"


def test_joined_signs_are_not_cut_apart() -> None:
    parts = list(split(read("👩‍💻" * 500), DISCORD.show, 400))
    assert set("".join(parts).split("👩‍💻")) == {""}
    assert all(part.startswith("👩") for part in parts)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("a\u202eb\u2066c\ufeffd\x00e\r\nf\ud800", "abcde\nf\ufffd"),
        ("ad\u200bmin p\u200day \u200c", "admin pay"),
        ("👩‍💻 می\u200cخواهم", "👩‍💻 می\u200cخواهم"),
    ],
)
def test_signs_that_nobody_sees_are_left_out_but_those_that_shape_others(written: str, shown: str) -> None:
    assert PLAIN.show(read(written)) == shown


@pytest.mark.parametrize("deep", ["> " * 500, "- " * 500, "**a " * 500, "*a _b " * 500, "1. " * 400])
def test_a_text_that_nests_too_deeply_is_shown_as_it_is(deep: str) -> None:
    assert PLAIN.show(read(deep + "end")).endswith("end")


@pytest.mark.parametrize("kept", ["Best regards\n---", "[1]: https://acme.test", "    indented", "AT&amp;T", "***"])
def test_what_is_no_markup_of_ours_stays(kept: str) -> None:
    assert PLAIN.show(read(kept)) == kept.strip()
