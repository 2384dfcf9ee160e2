"""Somebody corrects what they told, has two issues, has a new one."""

from benchmarks.repeatbench.script import Scene
from benchmarks.repeatbench.world import CHANNELS, Issue, Kind, Slot

_REFERENCE: dict[Slot, str] = {
    "order_id": "What is happening with order {}?",
    "error_code": "Any progress on error {}?",
    "plan": "Any news about my change from the {} plan?",
}


def corrects(scene: Scene) -> None:
    """S11: an order number or an amount is corrected, and the old one must not come back."""
    who = scene.person(*CHANNELS)
    here, there = scene.channel(*CHANNELS), scene.channel(*CHANNELS)
    issue = scene.world.issue(who, scene.world.rng.choice(("charge", "delivery", "damaged")))
    scene.tells(who, here, issue, full=True)
    scene.later(days=1)
    amount = issue.kind == "charge" and scene.world.rng.random() < 0.4  # noqa: PLR2004 - orders are corrected more often
    slot: Slot = "amount" if amount else "order_id"
    value = scene.world.amount(who) if amount else scene.world.order(who)
    text = scene.words.say("amount_correction" if amount else "correction", **{slot: value})
    scene.says(who, here, text, issue=issue, tells={slot: value}, needs=False)
    scene.later(days=1)
    scene.asks_for_news(who, there, issue)
    scene.later(days=1)
    scene.asks_for_news(who, here, issue)


def has_two(scene: Scene) -> None:
    """S12: two issues of different kinds are open, and each is spoken of in turn."""
    who = scene.person(*CHANNELS)
    here, there = scene.channel(*CHANNELS), scene.channel(*CHANNELS)
    kinds: list[Kind] = ["charge", "delivery", "damaged", "fault", "plan"]
    first_kind, second_kind = scene.world.rng.sample(kinds, 2)
    first, second = scene.world.issue(who, first_kind), scene.world.issue(who, second_kind)
    scene.tells(who, here, first, full=True)
    scene.later(days=1)
    scene.tells(who, there, second, full=True, prefix=scene.words.say("another"))
    for issue in scene.world.rng.sample([first, second], 2):
        scene.later(days=1)
        scene.says(who, scene.channel(here, there), _reference(issue), issue=issue, names="it")


def has_a_new_one(scene: Scene) -> None:
    """S13: the first is solved; the new one is not greeted with it."""
    who = scene.person(*CHANNELS)
    here, there = scene.channel(*CHANNELS), scene.channel(*CHANNELS)
    old = scene.world.issue(who)
    new = scene.world.issue(who, unlike=old)
    scene.tells(who, here, old, full=True)
    scene.later(minutes=20)
    scene.says(who, here, scene.words.say("solved"), issue=old, begins=False, solves=True, needs=False)
    scene.later(days=1)
    prefix = scene.words.say("another") if scene.world.rng.random() < 0.5 else ""  # noqa: PLR2004
    scene.tells(who, there, new, prefix=prefix)
    scene.later(days=1)
    scene.asks_for_news(who, here, new)
    scene.later(days=1)
    scene.asks_for_news(who, there, new)


def _reference(issue: Issue) -> str:
    slot = next(slot for slot in _REFERENCE if slot in issue.needed)
    return _REFERENCE[slot].format(issue.facts[slot])
