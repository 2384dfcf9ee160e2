"""What is done with people and messages: forgetting, handing over, delivering twice or in the wrong order."""

from datetime import timedelta

from benchmarks.repeatbench.script import Scene
from benchmarks.repeatbench.world import CHANNELS


def is_forgotten(scene: Scene) -> None:
    """S16: erased on their own wish, they come back as somebody new."""
    who = scene.person(*CHANNELS, profile=True)
    here = scene.channel(*CHANNELS)
    issue = scene.world.issue(who)
    scene.tells(who, here, issue, full=True)
    scene.later(days=1)
    scene.asks_for_news(who, scene.channel(*CHANNELS), issue)
    scene.later(minutes=60)
    scene.erases(who)
    scene.later(minutes=30)
    anew = f"{who.id} anew"
    names = frozenset(who.name.split())
    for way in (here, scene.channel(*(c for c in CHANNELS if c != here))):
        scene.later(minutes=30)
        text = scene.words.say("pry")
        circle = f"{anew} {way}"
        scene.says(who, way, text, circle, names="nothing", proven=False, needs=False, answers=False, nameless=names)
    scene.later(days=1)
    new = scene.world.issue(who, unlike=issue)
    scene.tells(who, here, new, circle=anew, proven=False)


def meets_a_human(scene: Scene) -> None:
    """S17: handed over with all that was told, quiet meanwhile, handed back, and not handed over again."""
    who = scene.person(*CHANNELS)
    here, there = scene.channel(*CHANNELS), scene.channel(*CHANNELS)
    issue = scene.world.issue(who, scene.world.rng.choice(("charge", "delivery", "damaged")))
    scene.tells(who, here, issue, full=True)
    scene.later(minutes=15)
    scene.says(who, here, scene.words.say("human"), issue=issue, begins=False, needs=False, answers=False)
    scene.later(minutes=10)
    scene.colleague(who.id, "take")
    scene.later(days=1)
    scene.asks_for_news(who, there, issue, names="any", silence=True, answers=False, needs=False)
    scene.later(minutes=30)
    scene.colleague(who.id, "reply", "I am looking into it and will be back tomorrow.")
    scene.later(minutes=30)
    scene.colleague(who.id, "return")
    scene.later(days=1)
    scene.asks_for_news(who, there, issue)
    scene.later(minutes=60)
    scene.colleague(who.id, "resolve", "It was corrected.")
    scene.later(days=1)
    scene.tells(who, here, scene.world.issue(who, unlike=issue), prefix=scene.words.say("another"))


def is_delivered_oddly(scene: Scene) -> None:
    """S18: copies at once, a copy later, and a correction that overtakes what it corrects."""
    who = scene.person(*CHANNELS)
    channel = scene.channel(*CHANNELS)
    issue = scene.world.issue(who, scene.world.rng.choice(("charge", "delivery", "damaged")))
    first = scene.tells(who, channel, issue, full=True, copies=3)
    scene.later(minutes=7)
    scene.again(first)
    scene.later(days=1)
    right = scene.world.order(who)
    text = scene.words.say("correction", order_id=right)
    scene.says(who, channel, text, issue=issue, tells={"order_id": right}, needs=False)
    scene.later(minutes=4)
    wrong = scene.world.order(who)
    late = scene.words.say("correction", order_id=wrong)
    account = who.accounts[channel]
    ago = timedelta(minutes=14)
    scene.sends(
        who, account, late, late=ago, issue=issue, tells={"order_id": wrong}, begins=False, needs=False, silence=True
    )
    scene.later(days=1)
    scene.asks_for_news(who, channel, issue)
    scene.later(days=1)
    scene.asks_for_news(who, channel, issue, copies=2)
