"""What the offline writer makes of messages: by examples, by corrections, and as a command."""

import io
import json
import subprocess
import sys
from collections.abc import Sequence
from functools import cache

import pytest

from benchmarks.understanding import labelled, rows
from bots.understand import EVERY_LANGUAGE, NotUnderstood, answer_stream, understand
from core.backends.embedding import WordLlamaEmbedder
from core.backends.rules.category import category_of
from core.backends.rules.learning import Example, Examples


@cache
def taught() -> Examples:
    examples = Examples(WordLlamaEmbedder)
    examples.learn()
    return examples


def answers(lines: Sequence[str]) -> tuple[list[dict[str, str]], str, bool]:
    """What is printed, what is complained of, and whether it ends well."""
    out, errors = io.StringIO(), io.StringIO()
    try:
        answer_stream(lines, out, errors, taught(), EVERY_LANGUAGE)
    except NotUnderstood:
        return [json.loads(line) for line in out.getvalue().splitlines()], errors.getvalue(), False
    return [json.loads(line) for line in out.getvalue().splitlines()], errors.getvalue(), True


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("What payment methods do you accept?", "charge"),
        ("how long does delivery take to Malta", "delivery"),
        ("I want to subscribe to your newsletter", "plan"),
        ("Help me recover my password", "account"),
        ("La lampe est arrivée cassée", "damaged"),
        ("I'd like to talk to a human", "other"),
        ("where do I file a complaint?", "complaint"),
        ("the screen stays black after the update", "fault"),
        ("it would be great to have a dark mode", "feature"),
    ],
)
def test_the_category_by_examples(text: str, category: str) -> None:
    assert understand(text, taught()).category == category


@pytest.mark.parametrize(
    "text",
    [
        "how do I kill process 12?",
        "I love angry birds!! Is there a tablet version??",
        "I hate to bother you, but I have a problem with an invoice",
        "Can I cancel? No issue if not!!",
        "is the film Fast and Furious included in my plan?",
    ],
)
def test_an_ordinary_question_is_not_angry(text: str) -> None:
    assert understand(text, taught()).mood != "angry"


@pytest.mark.parametrize(
    "text",
    [
        "You thieves, give me my money back NOW!!",
        "I am furious. Worst company ever.",
        "C'est une honte, bande de voleurs !",
    ],
)
def test_anger_is_heard(text: str) -> None:
    assert understand(text, taught()).mood == "angry"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hola amigos! Quick question about my order", "en"),
        ("REFUND PLEASE", "en"),
        ("My name is Jean-Pierre Dubois, Rue de la Paix", "en"),
        ("WO IST MEIN PAKET", "de"),
        ("nao recebi o codigo", "pt"),
        ("quanto costa la spedizione", "it"),
        ("hoeveel kost verzenden", "nl"),
        ("j'ai pas recu le code", "fr"),
        ("no me llega el codigo", "es"),
        ("Fjällräven backpack zipper stuck", "en"),
        ("Guten Tag Travel cancelled my tour", "en"),
        ("Löwenbräu bottles broken", "en"),
        ('the button says "Zugriff verweigert"', "en"),
        ("why is the menu in Italian", "en"),
        ("letter came in Portuguese, I can't read it", "en"),
        ("can you explain why the letter is in Dutch", "en"),
        ("can we do this in Spanish please", "es"),
        ("My oven is dead. Is there someone who can speak French?", "fr"),
        ("I only speak Portuguese", "pt"),
    ],
)
def test_the_language_of_a_first_message(text: str, language: str) -> None:
    assert understand(text, taught()).language == language


def test_before_anything_is_learnt_the_rules_tell() -> None:
    assert Examples(WordLlamaEmbedder).category_of("I was charged twice") == category_of("I was charged twice")


def test_corrections_are_learnt_and_forgotten() -> None:
    """A business where a "quill" is a plan: nobody else knows the word."""
    examples = Examples(WordLlamaEmbedder)
    examples.learn()
    told = ["my quill is blue", "which quill have I got", "tell me about the green quill"]
    assert examples.category_of("about my quill") != "plan"
    examples.learn([Example(text, "plan") for text in told])
    assert examples.category_of("about my quill") == "plan"
    examples.learn()
    assert examples.category_of("about my quill") != "plan"


def test_what_was_corrected_is_read_so_again() -> None:
    """Even against wordings that the rules are sure of; and what was never spoken of stays as it was."""
    examples = Examples(WordLlamaEmbedder)
    examples.learn([Example("I was charged twice!", "feature")])
    assert examples.category_of("i was charged  TWICE") == "feature"
    assert examples.category_of("the parcel has not arrived") == "delivery"


def test_what_is_learnt_is_the_same_each_time() -> None:
    some, others = Examples(WordLlamaEmbedder), Examples(WordLlamaEmbedder)
    corrections = [Example("my quill is blue", "plan"), Example("the quill leaks", "damaged")]
    some.learn(corrections)
    others.learn()
    others.learn(corrections)
    for text in ("a blue one", "it leaks", "hello", "where is it"):
        assert some.category_of(text) == others.category_of(text)
        assert some.move_of(text, with_open=True) == others.move_of(text, with_open=True)


def test_corrections_do_no_harm() -> None:
    """Ten of each category, of companies that nothing was learnt of; on the rest of their messages, over five draws."""
    found = {row.name: row for row in rows("held_out", list(labelled("held_out")))}
    without, corrected = found["category, the same without corrections"], found["category, 10 corrections a class"]
    assert corrected.found >= without.found
    assert not found["category, no labels"].missed


def test_bad_lines_are_named_and_lose_nothing() -> None:
    found, errors, well = answers(['{"text": "Wo ist mein Paket?"}', "oops", '{"txt": 1}', "[]", '{"text": "hello"}'])
    assert [one["language"] for one in found] == ["de", "en"]
    assert [line.partition(":")[0] for line in errors.splitlines()] == ["line 2", "line 3", "line 4"]
    assert not well


def test_an_empty_text_is_of_no_kind() -> None:
    assert answers(['{"text": ""}', '{"text": "12345"}'])[0][0] == {
        "category": "other",
        "mood": "neutral",
        "language": "en",
    }


def test_the_command() -> None:
    asked = '{"text": "Wo bleibt mein Paket?"}\nnonsense\n'
    ran = subprocess.run(
        [sys.executable, "-m", "bots", "understand"], input=asked, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert json.loads(ran.stdout) == {"category": "delivery", "mood": "neutral", "language": "de"}
    assert "line 2: not JSON" in ran.stderr
    assert "Traceback" not in ran.stderr
