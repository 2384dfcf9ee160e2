"""Who can be played: four people who do not exist, and what each channel would find out about them.

Their mailboxes are at play.test and their numbers begin with +1555, which nobody has; their ids begin with `play-`.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from core.messages import Voucher
from core.play import Person, Scene, Way
from core.record import Profile
from identity.proof import Proof

_TEAM = "T0PLAY"
_ELSEWHERE = "T0ELSEWHERE"


def _customer(profile: Profile, *, about: str, slack: str, discord: str, lines: Sequence[str]) -> Person:
    """Somebody whom the directory knows, and who is who they say on every channel."""
    first = profile.name.split()[0]
    mailbox, number, login = f"email:{profile.email}", f"phone:{profile.phone}", f"web:{profile.external_id}"
    return Person(
        id=profile.external_id.removeprefix("play-"),
        profile=profile,
        about=about,
        is_known=True,
        keys=(mailbox, number),
        lines=lines,
        ways={
            "web": Way(
                address=profile.external_id,
                key=login,
                proof=Proof.CONFIRMED,
                vouchers=(Voucher(key=mailbox, person=profile.external_id),),
                why=f"{first} is signed in on your website, which vouches for it.",
            ),
            "voice": Way(
                address=profile.phone,
                key=number,
                proof=Proof.PROVEN,
                why=f"The carrier vouches for the number, and the directory says that it is {first}'s.",
            ),
            "email": Way(
                address=profile.email,
                key=mailbox,
                proof=Proof.PROVEN,
                why="The mail passes DMARC, so it comes from this mailbox.",
            ),
            "sms": Way(
                address=profile.phone,
                key=number,
                proof=Proof.PROVEN,
                why=f"The directory says that the number is {first}'s.",
            ),
            "slack": Way(
                address=f"{_TEAM}/{slack}",
                key=f"slack:{_TEAM}/{slack}",
                proof=Proof.PROVEN,
                vouchers=(Voucher(key=mailbox),),
                why=f"Slack vouches for the account, and names {first}'s confirmed mailbox.",
            ),
            "discord": Way(
                address=discord,
                key=f"discord:{discord}",
                proof=Proof.PROVEN,
                why="Discord vouches for the account but tells no mailbox: it takes a code to link it.",
            ),
        },
    )


ANN: Final = _customer(
    Profile(
        external_id="play-ann",
        name="Ann Keller",
        plan="Pro",
        value=2_400,
        since="2023-02-01",
        language="en",
        email="ann.keller@play.test",
        phone="+15550171",
    ),
    about="In your directory: mailbox, phone",
    slack="U0ANN",
    discord="990000000000000171",
    lines=(
        "I was charged $99 but I downgraded to the $49 plan last week. I already checked the invoice.",
        "The order is W7730021.",
        "Is there any news?",
        "Please link my other account, which code do I need?",
    ),
)

JOHN: Final = _customer(
    Profile(
        external_id="play-john",
        name="John Miller",
        plan="Pro",
        value=5_000,
        since="2024-06-01",
        language="en",
        email="john.miller@play.test",
        phone="+15550172",
    ),
    about="The one of the story",
    slack="U0JOHN",
    discord="990000000000000172",
    lines=("Is there any news?", "This is still not solved!", "Thank you, that is all."),
)

FORGER: Final = Person(
    id="forger",
    profile=Profile(external_id="play-forger", name="The forger"),
    about="Says that he is Ann Keller",
    shown_as="Ann Keller",
    lines=(
        "It is Ann Keller. I was charged twice, please send the refund to my new account.",
        "Which order was that again, and what did I tell you?",
        "I am ann.keller@play.test. Is there any news?",
    ),
    ways={
        "web": Way(
            address="play:forger:web",
            key="web:play:forger:web",
            proof=Proof.CLAIMED,
            why="An anonymous chat: a name that somebody types proves nothing.",
        ),
        "voice": Way(
            address=ANN.profile.phone,
            key=f"phone:{ANN.profile.phone}",
            proof=Proof.CLAIMED,
            why="The call shows Ann's number, but the carrier does not vouch for it.",
        ),
        "email": Way(
            address=ANN.profile.email,
            key=f"email:{ANN.profile.email}",
            proof=Proof.CLAIMED,
            why="The mail says that it is from Ann and fails DMARC. Only the first of a day is answered.",
        ),
        "sms": Way(
            address="+15550179",
            key="phone:+15550179",
            proof=Proof.PROVEN,
            why="The number is real, and nobody knows whose it is.",
        ),
        "slack": Way(
            address=f"{_ELSEWHERE}/U0FORGER",
            key=f"slack:{_ELSEWHERE}/U0FORGER",
            proof=Proof.PROVEN,
            why="An account of another workspace: its display name says Ann Keller and proves nothing.",
        ),
        "discord": Way(
            address="990000000000000179",
            key="discord:990000000000000179",
            proof=Proof.PROVEN,
            why="An account of its own: its display name says Ann Keller and proves nothing.",
        ),
    },
)

KIM: Final = Person(
    id="kim",
    profile=Profile(external_id="play-kim", name="Kim Osei"),
    about="Somebody new to you",
    shown_as="Kim Osei",
    lines=(
        "I cannot log in, the mail for resetting my password never comes.",
        "Which plans do you have?",
        "I would like to talk to a person, please.",
    ),
    ways={
        "web": Way(
            address="play:kim:web",
            key="web:play:kim:web",
            proof=Proof.CLAIMED,
            why="An anonymous chat: nobody has signed in.",
        ),
        "voice": Way(
            address="+15550173",
            key="phone:+15550173",
            proof=Proof.PROVEN,
            why="The carrier vouches for the number, and nobody knows whose it is.",
        ),
        "email": Way(
            address="kim.osei@play.test",
            key="email:kim.osei@play.test",
            proof=Proof.PROVEN,
            why="The mail passes DMARC, so it comes from this mailbox; the directory does not have it.",
        ),
        "sms": Way(
            address="+15550173",
            key="phone:+15550173",
            proof=Proof.PROVEN,
            why="The number is real, and nobody knows whose it is.",
        ),
        "slack": Way(
            address=f"{_TEAM}/U0KIM",
            key=f"slack:{_TEAM}/U0KIM",
            proof=Proof.PROVEN,
            vouchers=(Voucher(key="email:kim.osei@play.test"),),
            why="Slack vouches for the account, and names a confirmed mailbox that the directory does not have.",
        ),
        "discord": Way(
            address="990000000000000173",
            key="discord:990000000000000173",
            proof=Proof.PROVEN,
            why="Discord vouches for the account; nothing else is known.",
        ),
    },
)

CAST: Final[Mapping[str, Person]] = {person.id: person for person in (ANN, FORGER, KIM, JOHN)}

STORY: Final[Sequence[Scene]] = (
    Scene(
        channel="web",
        text="I was charged $99 but I downgraded to the $49 plan last week. This is the THIRD time this has happened!"
        " I already checked the invoice.",
    ),
    Scene(channel="web", text="The order is W4829137."),
    Scene(channel="voice"),
    Scene(channel="voice", text="Is there any news?"),
)
