"""Somebody comes back: the same way, another way, after a code, after a long time."""

from collections.abc import Callable
from itertools import permutations

from benchmarks.repeatbench.protocol import ChannelName
from benchmarks.repeatbench.script import Scene
from benchmarks.repeatbench.words import LANGUAGES
from benchmarks.repeatbench.world import CHANNELS, Customer, Issue

_LONG = 92  # days
_SPEAKS_FOREIGN = 0.3


def next_day(scene: Scene) -> None:
    """S1: on the same handle, next day and the day after; now and then in another language."""
    channel = scene.channel(*CHANNELS)
    who = scene.person(*CHANNELS, profile=True) if scene.world.rng.random() < 0.5 else scene.person(channel)  # noqa: PLR2004
    issue = scene.world.issue(who)
    first, second = _languages(scene)
    scene.tells(who, channel, issue, language=first)
    scene.later(days=1)
    scene.asks_for_news(who, channel, issue, language=first)
    scene.later(days=1)
    scene.asks_for_news(who, channel, issue, language=second)
    scene.later(days=2)
    scene.asks_for_news(who, channel, issue, language=second)


def slack_to_email(scene: Scene) -> None:
    """S2: from Slack to a mailbox that the directory vouches for, and back."""
    _there_and_back(scene, "slack", "email")


def text_to_call(scene: Scene) -> None:
    """S3: from SMS to a call from the same number, and back."""
    _there_and_back(scene, "sms", "voice")


def moves(here: str, there: str) -> Callable[[Scene], None]:
    """The continuity story for one ordered pair of channels."""
    pair = next(p for p in permutations(CHANNELS, 2) if p == (here, there))
    return lambda scene: _there_and_back(scene, *pair)


def linked_by_code(scene: Scene) -> None:
    """S4: a code joins two accounts that nobody else knows of."""
    here = scene.channel("email", "slack", "discord", "web")
    there = scene.channel(*(c for c in CHANNELS if c not in {here, "web"}))
    who = scene.person()
    issue = scene.world.issue(who)
    other = f"{who.id} on {there}"
    scene.tells(who, here, issue)
    scene.later(days=1)
    scene.says(who, here, scene.words.say("code"), on_code=True)
    scene.later(minutes=3)
    shown_to = who.accounts[here].address
    scene.says(who, there, "", digits="code", shown_to=shown_to, on_code=True, proven=False)
    scene.later(minutes=2)
    scene.says(who, there, "", digits="pair", begins=False, on_code=True, proven=False)
    scene.joins(who.id, other)
    scene.later(days=1)
    scene.asks_for_news(who, there, issue)
    scene.later(days=1)
    scene.asks_for_news(who, here, issue)


def after_ninety_days(scene: Scene) -> None:
    """S19: a number has to prove itself again, everything else is greeted as ever."""
    channel = scene.channel(*CHANNELS)
    who = scene.person(channel)
    issue = scene.world.issue(who)
    scene.tells(who, channel, issue)
    scene.later(days=1)
    scene.asks_for_news(who, channel, issue)
    scene.later(days=_LONG)
    if channel not in {"sms", "voice"}:
        scene.asks_for_news(who, channel, issue)
        return
    anew, names = f"{who.id} anew", frozenset(who.name.split())
    text = scene.words.say("news")
    scene.says(who, channel, text, anew, names="nothing", nameless=names, proven=False, needs=False)
    scene.later(days=1)
    new = scene.world.issue(who)
    scene.tells(who, channel, new, circle=anew, nameless=names, proven=False)


def _there_and_back(scene: Scene, here: ChannelName, there: ChannelName) -> None:
    who = scene.person(*CHANNELS)
    issue = scene.world.issue(who)
    first, second = _languages(scene)
    scene.tells(who, here, issue, language=first)
    _hours(scene)
    scene.asks_for_news(who, there, issue, language=first)
    _hours(scene)
    if scene.world.rng.random() < 0.5:  # noqa: PLR2004 - either is as likely
        _adds(scene, who, there, issue)
    else:
        scene.asks_for_news(who, here, issue, language=second)
    scene.later(days=1)
    scene.asks_for_news(who, here, issue, language=second)


def _adds(scene: Scene, who: Customer, channel: ChannelName, issue: Issue) -> None:
    """They tell the whole of it once more, of their own accord."""
    scene.tells(who, channel, issue, full=True, names="it")


def _hours(scene: Scene) -> None:
    scene.later(minutes=scene.world.rng.randrange(90, 300))


def _languages(scene: Scene) -> tuple[str, str]:
    """What somebody begins in, and what they change to."""
    foreign = scene.world.rng.choice(LANGUAGES[1:])
    if scene.world.rng.random() > _SPEAKS_FOREIGN:
        return "en", "en"
    return scene.world.rng.choice([("en", foreign), (foreign, foreign), (foreign, "en")])
