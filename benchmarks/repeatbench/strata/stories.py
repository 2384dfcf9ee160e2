"""The strata: S1 to S20 and the thirty ordered pairs of channels. Each takes a scene and lets a story happen in it."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from itertools import count, cycle, permutations

from benchmarks.repeatbench.script import START, Scene, Script
from benchmarks.repeatbench.strata import handling, issues, returning, strangers, texts
from benchmarks.repeatbench.words import Words
from benchmarks.repeatbench.world import CHANNELS, World

Story = Callable[[Scene], None]

STORIES: Mapping[str, Story] = {
    "S1": returning.next_day,
    "S2": returning.slack_to_email,
    "S3": returning.text_to_call,
    "S4": returning.linked_by_code,
    "S5": strangers.claims_an_address,
    "S6": strangers.shares_a_name,
    "S7": strangers.shares_a_phone,
    "S8": strangers.has_an_old_number,
    "S9": strangers.forges_the_sender,
    "S10": strangers.shows_their_name,
    "S11": issues.corrects,
    "S12": issues.has_two,
    "S13": issues.has_a_new_one,
    "S14": texts.forwards,
    "S15": texts.injects,
    "S16": handling.is_forgotten,
    "S17": handling.meets_a_human,
    "S18": handling.is_delivered_oddly,
    "S19": returning.after_ninety_days,
    "S20": texts.speaks_in_public,
}
_APART = timedelta(seconds=13)  # between the beginnings of two scripts, so that customers come in between each other


def scripts(world: World, *, customers: int, contacts: int) -> list[Script]:
    """Scripts of all strata in turn, until both numbers are reached."""
    made: list[Script] = []
    words = Words(world.rng)
    pairs = cycle(permutations(CHANNELS, 2))
    for number in count():
        if sum(len(s.people) for s in made) >= customers and sum(s.contacts for s in made) >= contacts:
            return made
        made += [_script(world, words, number, stratum, story) for stratum, story in _round(pairs)]
    return made


def _round(pairs: Iterator[tuple[str, ...]]) -> Iterator[tuple[str, Story]]:
    """Every stratum once, and six pairs of channels."""
    yield from STORIES.items()
    for _ in CHANNELS:
        here, there = next(pairs)
        yield f"{here}>{there}", returning.moves(here, there)


def _script(world: World, words: Words, number: int, stratum: str, story: Story) -> Script:
    script = Script(id=f"{world.seed}.{number}.{stratum}", stratum="pairs" if ">" in stratum else stratum)
    order = number * (len(STORIES) + len(CHANNELS)) + [*STORIES, stratum].index(stratum)
    offset = world.rng.randrange(6) * _APART / 13
    story(Scene(world=world, words=words, script=script, start=START + order * _APART + offset))
    return script
