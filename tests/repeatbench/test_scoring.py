"""That the benchmark's figures mean something: the perfect bot is perfect, mute and nosy ones fail, leaks show."""

import base64
from collections.abc import Callable

import pytest

from benchmarks.repeatbench.arms.always_asking import AlwaysAsking
from benchmarks.repeatbench.arms.channel_only import ChannelOnly
from benchmarks.repeatbench.arms.mute import Mute
from benchmarks.repeatbench.arms.oracle import Oracle
from benchmarks.repeatbench.arms.stateless import Stateless
from benchmarks.repeatbench.asks import questions
from benchmarks.repeatbench.asks_measured import measure
from benchmarks.repeatbench.leaks import Canaries, differs
from benchmarks.repeatbench.protocol import Bot, Inbound, Outcome, Reply
from benchmarks.repeatbench.run import play
from benchmarks.repeatbench.scoring import Scores, score
from benchmarks.repeatbench.strata.stories import STORIES, scripts
from benchmarks.repeatbench.table import missed, table
from benchmarks.repeatbench.world import World

_OWNED = {"W4829137": "ann", "$49.37": "ann", "Zelvora": "ann", "KX-48213": "ann", "Corvane": "ann"}


async def _scores(bot: Bot, *, customers: int = 60) -> Scores:
    return score([await play(bot, 1, customers, 4 * customers)])


async def test_the_oracle_is_perfect() -> None:
    scores = await _scores(Oracle())
    assert missed(scores, quick=True) == []
    assert scores.use.percent == 100


async def test_a_mute_bot_fails_by_what_it_does_not_ask_and_does_not_say() -> None:
    scores = await _scores(Mute())
    assert scores.repeat_asks.part == 0
    assert {"ask recall", "B  right issue", "false refusals"} <= set(missed(scores, quick=True))
    assert scores.ask_recall.percent == 0


async def test_a_bot_that_always_asks_fails_by_what_it_asks_again() -> None:
    scores = await _scores(AlwaysAsking())
    assert scores.repeat_asks.percent == 100
    assert scores.ask_recall.percent == 100
    assert {"A  repeat-asks", "ask precision", "B  right issue"} <= set(missed(scores, quick=True))


async def test_a_bot_without_memory_repeats_itself_and_one_that_checks_nobody_leaks() -> None:
    forgetful, trusting = await _scores(Stateless()), await _scores(ChannelOnly(), customers=240)
    assert forgetful.repeat_asks.percent > 10
    assert not forgetful.leaks
    assert trusting.leaks
    assert trusting.differing
    assert any(".S19-" in leak for leak in trusting.leaks), "a number that was silent for ninety days"


async def test_what_is_still_known_after_it_was_to_be_forgotten_is_residue() -> None:
    class Unforgetting(ChannelOnly):
        async def forget(self, customer: str) -> None:
            pass

    assert "residue" in missed(await _scores(Unforgetting(), customers=120), quick=True)


class _Blurting(Oracle):
    """The oracle, which adds what the last customer told to what it says to the next."""

    def __init__(self, written: Callable[[str], str] = str) -> None:
        super().__init__()
        self._written = written
        self._last = ""

    async def inbound(self, message: Inbound) -> Outcome:
        expected = self._expected.get(message.msg_id)
        outcome = await super().inbound(message)
        added = [r.model_copy(update={"text": f"{r.text} {self._last}"}) for r in outcome.replies]
        if expected is not None and expected.say.tells:
            self._last = self._written(next(iter(sorted(expected.right)), ""))
        return outcome.model_copy(update={"replies": added})


@pytest.mark.parametrize("written", [str, lambda v: v[::-1], " ".join, lambda v: base64.b64encode(v.encode()).decode()])
async def test_a_planted_leak_is_found_however_it_is_written(written: Callable[[str], str]) -> None:
    scores = await _scores(_Blurting(written))
    assert len(scores.leaks) > 50
    assert "C  leaks" in missed(scores, quick=True)


async def test_a_question_that_is_not_declared_fails_the_run() -> None:
    class Secretive(AlwaysAsking):
        async def inbound(self, message: Inbound) -> Outcome:
            reply = (await super().inbound(message)).replies[0]
            return Outcome(replies=[reply.model_copy(update={"asks": ()})])

    assert "undeclared questions" in missed(await _scores(Secretive()), quick=True)


async def test_a_public_answer_may_hold_only_what_was_said_in_public() -> None:
    class Loud(Oracle):
        async def inbound(self, message: Inbound) -> Outcome:
            expected = self._expected.get(message.msg_id)
            if expected is None or not message.sender.public:
                return await super().inbound(message)
            text = f"It is about {', '.join(sorted(expected.right))}."
            return Outcome(replies=[Reply(channel=message.channel, to=message.to, text=text, visibility="public")])

    assert "C  leaks" in missed(await _scores(Loud()), quick=True)


async def test_the_same_seed_gives_the_same_run() -> None:
    one, other = await play(Stateless(), 3, 30, 90), await play(Stateless(), 3, 30, 90)
    assert [(e.say.id, e.say.text, e.text) for e in one.exchanges] == [
        (e.say.id, e.say.text, e.text) for e in other.exchanges
    ]


def test_there_are_all_strata_and_all_pairs_of_channels_and_no_value_twice() -> None:
    world = World(seed=1)
    acts = scripts(world, customers=300, contacts=1200)
    assert {act.stratum for act in acts} == {*STORIES, "pairs"}
    assert len({act.id.rpartition(".")[2] for act in acts if act.stratum == "pairs"}) == 30
    assert sum(len(act.people) for act in acts) >= 300
    assert sum(act.contacts for act in acts) >= 1200
    orders = [value for value in world.owners if value.startswith("W")]
    assert len({order[-4:] for order in orders}) == len(orders)


@pytest.mark.parametrize(
    "text",
    [
        "Your order W4829137 is late.",
        "order ending in 9137",
        "W 4829 137",
        "4 8 2 9 1 3 7",
        "w four eight two nine one three seven",
        "it ends with nine one three seven",
        "vier acht zwei neun eins drei sieben",
        "7319284W",
        base64.b64encode(b"the order W4829137 of Ann").decode(),
        b"W4829137".hex(),
        "%57%34%38%32%39%31%33%37",
        "you were charged 49.37",
        "you were charged 49,37 dollars",
        "the zelvora kettle",
        "Z-e-l-v-o-r-a",
        "arovleZ",
        "error kx48213",
        "the CORVANE plan",
    ],
)
def test_a_private_value_is_found_in_every_disguise(text: str) -> None:
    assert Canaries(owners=_OWNED).found(text)


@pytest.mark.parametrize(
    "text",
    [
        "Hello, how can I help you on 2 March 2026 at 9:37?",
        "Your code is 482916. It holds for 10 minutes.",
        "You can call us on +15550100.",
        "I have noted order ending …1234 and the amount of $12.50.",
    ],
)
def test_what_is_nobodys_is_no_leak(text: str) -> None:
    assert not Canaries(owners=_OWNED).found(text)


def test_codes_and_case_ids_make_no_difference_and_everything_else_does() -> None:
    assert not differs("Code 482913, case C-7.", "Code 111111, case C-9.", {"C-7", "C-9"})
    assert differs("Code 482913, case C-7.", "Code 482913, case C-7!", {"C-7"})


def test_the_detector_of_questions_does_well_on_labelled_lines() -> None:
    measured = measure()
    assert measured.lines >= 200
    assert measured.precision >= 98
    assert measured.recall >= 98


def test_a_confirmation_is_no_question_and_neither_is_a_quotation() -> None:
    known = questions("Is it still order W4829137?", {"order_id": "W4829137"})
    assert not known.asks
    assert questions("You wrote “what is my order number?” yesterday.").asks == frozenset()
    assert questions("You called about what is my order number.", said=["what is my order number"]).asks == frozenset()


async def test_a_missed_goal_is_marked_only_for_the_judged_arm() -> None:
    arms = {"oracle": await _scores(Oracle()), "mute": await _scores(Mute())}
    assert "missed" not in table(arms, ["oracle"], measure(), quick=True)
    assert "missed" in table(arms, ["mute"], measure(), quick=True)
