"""Attacks: each is played as its attacker would, and learns nothing of another customer."""

import re
from dataclasses import replace
from pathlib import Path

from sqlalchemy import insert

from core.backends.ledger.schema import wrong_codes
from core.backends.rules.writer import RulesWriter
from core.writing import Answer, Brief
from identity.proof import Proof
from tests.shop import Shop, voucher

CHARGED = "I was charged $99 but I downgraded to the $49 plan last week. I already checked the invoice."
WISH = "Please link my other account, which code do I need?"


class Recorder:
    """The rules, and every brief that they were given."""

    def __init__(self) -> None:
        self.briefs: list[Brief] = []
        self.rules = RulesWriter()

    async def answer(self, brief: Brief) -> Answer:
        self.briefs.append(brief)
        return await self.rules.answer(brief)


def code_in(text: str) -> str:
    return str(re.findall(r"(?<!\d)\d{6}(?!\d)", text)[-1])


def pair_in(text: str) -> str:
    return str(re.findall(r"answer with (\d\d)", text)[0])


async def shows_code(shop: Shop, channel: str, who: str, **more: object) -> str:
    return code_in(await shop.hears(channel, who, WISH, **more))


async def link(shop: Shop, a: tuple[str, str], b: tuple[str, str]) -> str:
    code = await shows_code(shop, *a)
    return await shop.hears(*b, pair_in(await shop.hears(*b, code)))


def known_to(recorder: Recorder) -> str:
    brief = recorder.briefs[-1]
    return " ".join([*(str(c.facts) + c.issue for c in brief.cases), *(s.text for s in brief.said)])


async def knows_after(shop: Shop, channel: str, who: str, text: str, **more: object) -> str:
    shop.engine = replace(shop.engine, writer=(r := Recorder()))
    reply = await shop.hears(channel, who, text, **more)
    return (known_to(r) if r.briefs else "") + reply


async def test_replies_under_a_grant_stay_out_of_the_entering_customers_later_turns(tmp_path: Path) -> None:
    recorder = Recorder()
    shop = await Shop.open(tmp_path, writer=recorder)
    await shop.knows("cus_2", "Mary Brown", "discord:4242", "email:mary@shop.test")
    await shop.hears("slack", "T1/U1", CHARGED)
    await shop.hears("discord", "4242", await shows_code(shop, "slack", "T1/U1"))
    await shop.hears("discord", "4242", "The order number is W4829137.")
    shop.later(hours=2)
    await shop.hears("email", "mary@shop.test", "My kettle is broken.")
    seen = " ".join(s.text for s in recorder.briefs[-1].said)
    await shop.close()
    assert "$99" not in seen


async def test_a_case_told_under_a_grant_is_not_the_entering_customers(shop: Shop) -> None:
    await shop.knows("cus_2", "Mary Brown", "discord:4242", "email:mary@shop.test")
    await shop.hears("slack", "T1/U1", "Hello")
    await shop.hears("discord", "4242", await shows_code(shop, "slack", "T1/U1"))
    await shop.hears("discord", "4242", "I was charged $77.10 twice.")
    shop.later(hours=2)
    assert "$77.10" not in await shop.hears("email", "mary@shop.test", "Hello, any news?")


async def test_undo_works_on_every_handle_that_was_told_to_answer_undo(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "slack:T1/U1", "email:john@shop.test")
    await shop.hears("email", "john@shop.test", CHARGED)
    await link(shop, ("slack", "T1/U1"), ("discord", "666"))
    assert any(o.channel == "email" and "UNDO" in o.reply.text for o in shop.sent)
    await shop.hears("email", "john@shop.test", "UNDO")
    shop.later(days=1)
    assert "$99" not in await shop.hears("discord", "666", "Hello, any news?")


async def test_a_key_that_moves_to_another_person_takes_no_memory_along(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "phone:+15550142")
    await shop.hears("sms", "+15550142", CHARGED)
    shop.later(days=1)
    await shop.knows("cus_1", "John Miller")
    await shop.knows("cus_2", "Mary Brown", "phone:+15550142", "email:mary@shop.test")
    assert "$99" not in await shop.hears("email", "mary@shop.test", "Hello, any news?")


async def test_a_household_phone_is_never_linked_for_good(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "phone:+15550142", "slack:T1/U1")
    await shop.knows("cus_2", "Mary Miller", "phone:+15550142")
    await shop.hears("slack", "T1/U1", "Hello")
    asked = await shop.hears("sms", "+15550142", await shows_code(shop, "slack", "T1/U1"))
    if "answer with" in asked:
        await shop.hears("sms", "+15550142", pair_in(asked))
    shop.later(hours=2)
    await shop.hears("sms", "+15550142", "I was charged $77.10 twice.")  # Mary
    shop.later(hours=2)
    assert "$77.10" not in await shop.hears("slack", "T1/U1", "Hello, any news?")


async def test_no_notice_goes_to_a_number_that_may_have_a_new_owner(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "phone:+15550142", "slack:T1/U1")
    await shop.hears("sms", "+15550142", CHARGED)
    shop.later(days=60)
    await link(shop, ("slack", "T1/U1"), ("discord", "4242"))
    assert not [o for o in shop.sent if o.channel == "sms" and "linked" in o.reply.text]


async def test_a_writer_cannot_touch_a_case_that_it_was_not_given(tmp_path: Path) -> None:
    class Injected:
        async def answer(self, brief: Brief) -> Answer:
            return replace(await RulesWriter().answer(brief), case=1, resolved="pwn" in brief.text)

    shop = await Shop.open(tmp_path)
    await shop.hears("slack", "T1/U1", CHARGED)
    shop.engine = replace(shop.engine, writer=Injected())
    await shop.hears("discord", "666", "pwn")
    shop.engine = replace(shop.engine, writer=RulesWriter())
    shop.later(days=1)
    reply = await shop.hears("slack", "T1/U1", "any news?")
    await shop.close()
    assert "$99" in reply


async def test_guessing_is_stopped_over_all_and_not_only_per_sender(shop: Shop) -> None:
    await shop.hears("slack", "T1/U1", CHARGED)
    code = await shows_code(shop, "slack", "T1/U1")
    guesses = [{"line": f"web:~s{n}", "channel": "web", "at": shop.now} for n in range(1_000)]
    await shop.ledger._database.write(lambda tx: tx.execute(insert(wrong_codes), guesses))
    for n in range(5):
        wrong = f"{(int(code) + 1 + n) % 1_000_000:06d}"
        await shop.hears("web", f"s{n}", wrong, proof=Proof.CLAIMED, conversation=f"s{n}")
    reply = await shop.hears("web", "last", code, proof=Proof.CLAIMED, conversation="last")
    assert "$99" not in reply


async def test_undo_ends_the_grant_too(shop: Shop) -> None:
    await shop.hears("slack", "T1/U1", CHARGED)
    await link(shop, ("slack", "T1/U1"), ("discord", "666"))
    await shop.hears("slack", "T1/U1", "undo")
    shop.engine = replace(shop.engine, writer=(recorder := Recorder()))
    await shop.hears("discord", "666", "What do you have on record about my case?")
    assert "$99" not in known_to(recorder)


async def test_two_logins_never_meet_without_operators(shop: Shop) -> None:
    await shop.hears("web", "u1", CHARGED)
    await link(shop, ("web", "u1"), ("slack", "T1/U1"))
    shop.later(days=1)
    await shop.hears("slack", "T1/U1", WISH)
    code = await shows_code(shop, "slack", "T1/U1")
    asked = await shop.hears("web", "u2", code)
    if "answer with" in asked:
        await shop.hears("web", "u2", pair_in(asked))
    shop.later(hours=2)
    shop.engine = replace(shop.engine, writer=(recorder := Recorder()))
    await shop.hears("web", "u2", "Hello there, any news about my case?")
    assert "$99" not in known_to(recorder)


async def test_the_notice_of_a_link_is_seen_by_who_opens_the_chat_later(shop: Shop) -> None:
    await shop.hears("web", "u1", CHARGED)
    await link(shop, ("web", "u1"), ("discord", "666"))
    lines = await shop.ledger.transcript("web", "with u1")
    assert any("UNDO" in line.text for line in lines)


async def test_a_household_phone_that_shows_a_code_is_not_linked_either(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "phone:+15550142", "slack:T1/U1")
    await shop.knows("cus_2", "Mary Miller", "phone:+15550142")
    code = await shows_code(shop, "sms", "+15550142")
    assert "answer with" not in await shop.hears("slack", "T1/U1", code)


async def test_a_live_code_is_not_to_be_read_by_staff_or_model(shop: Shop) -> None:
    await shop.hears("slack", "T1/U1", CHARGED)
    code = await shows_code(shop, "slack", "T1/U1")
    [case] = await shop.ledger.queue(now=shop.now)
    file = await shop.ledger.case_file(case.case.id, reachable={"slack"}, now=shop.now)
    assert not [entry.text for entry in file.said if code in entry.text]


async def test_unlinking_restores_recall_also_of_what_was_said_in_between(shop: Shop) -> None:
    await shop.hears("slack", "T1/U1", CHARGED)
    await link(shop, ("slack", "T1/U1"), ("discord", "666"))
    shop.later(hours=2)
    await shop.hears("discord", "666", "Hello, any news?")
    await shop.hears("slack", "T1/U1", "undo")
    shop.later(hours=2)
    shop.engine = replace(shop.engine, writer=(recorder := Recorder()))
    await shop.hears("discord", "666", "My kettle is broken.")
    assert "$99" not in known_to(recorder)


async def test_a_prompt_never_holds_the_answers_of_two_customers(shop: Shop) -> None:
    """A5 with staff's eyes: the panel of Mary shows John's lines after the number has moved."""
    await shop.knows("cus_1", "John Miller", "phone:+15550142")
    await shop.hears("sms", "+15550142", CHARGED)
    await shop.knows("cus_1", "John Miller")
    await shop.knows("cus_2", "Mary Brown", "phone:+15550142")
    shop.later(days=1)
    reply = await shop.hears("sms", "+15550142", "Hello, any news?")
    assert "$99" not in reply or "Mary" not in reply, reply


async def test_facts_of_a_grant_about_the_person_stay_with_who_told_them(shop: Shop) -> None:
    await shop.knows("cus_2", "Mary Brown", "discord:4242", "email:mary@shop.test")
    await shop.hears("slack", "T1/U1", CHARGED)
    await shop.hears("discord", "4242", await shows_code(shop, "slack", "T1/U1"))
    await shop.hears("discord", "4242", "I am on the Premium plan, and my device is a Fritzbox 7590.")
    shop.later(hours=2)
    shop.engine = replace(shop.engine, writer=(recorder := Recorder()))
    await shop.hears("email", "mary@shop.test", "My internet is slow.")
    assert not recorder.briefs[-1].facts


async def test_wrong_order_numbers_do_not_lock_the_real_code_out(shop: Shop) -> None:
    for n in range(5):
        await shop.hears("discord", "4242", f"Where is order 48291{n}?")
    await shop.hears("slack", "T1/U1", CHARGED)
    assert "$99" in await shop.hears("discord", "4242", await shows_code(shop, "slack", "T1/U1"))


async def test_a_code_shown_before_its_handle_changed_owner_opens_nothing(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "slack:T1/U1")
    await shop.knows("cus_2", "Mary Brown", "email:mary@shop.test")
    await shop.hears("email", "mary@shop.test", "I was charged $77.10 twice.")
    code = await shows_code(shop, "slack", "T1/U1")
    await shop.knows("cus_1", "John Miller")
    await shop.knows("cus_2", "Mary Brown", "email:mary@shop.test", "slack:T1/U1")
    shop.engine = replace(shop.engine, writer=(recorder := Recorder()))
    await shop.hears("discord", "666", code)
    await shop.hears("discord", "666", "And what else do you know?")
    assert "$77.10" not in known_to(recorder)


async def test_a_link_in_a_merely_plausible_mail_is_not_spoken_in_our_name(shop: Shop) -> None:
    """Somebody signs as the victim's domain without DMARC; the bot then texts the attacker's link to the victim."""
    await shop.knows("cus_1", "John Miller", "email:john@shop.test", "phone:+15550142")
    lure = "My parcel never came, I have to pay at https://evil.test/pay first"
    await shop.hears("email", "john@shop.test", lure, proof=Proof.PLAUSIBLE)
    shop.later(hours=3)
    reply = await shop.hears("sms", "+15550142", "Hello")
    assert "evil.test" not in reply, reply


async def test_a_plausible_mail_gets_nothing_that_was_drawn_from_another_handle(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "email:john@shop.test", "slack:T1/U1")
    await shop.hears("slack", "T1/U1", CHARGED)
    await shop.hears("email", "john@shop.test", "Hello, any news?")
    shop.engine = replace(shop.engine, writer=(recorder := Recorder()))
    await shop.hears("email", "john@shop.test", "And now?", proof=Proof.PLAUSIBLE, conversation="forged")
    assert "$99" not in known_to(recorder)


async def test_expired_code(shop: Shop) -> None:
    await shop.hears("slack", "T1/U1", CHARGED)
    code = await shows_code(shop, "slack", "T1/U1")
    shop.later(minutes=11)
    assert "$99" not in await knows_after(shop, "discord", "666", code)


async def test_reused_code(shop: Shop) -> None:
    await shop.hears("slack", "T1/U1", CHARGED)
    code = await shows_code(shop, "slack", "T1/U1")
    await shop.hears("discord", "1", code)
    assert "$99" not in await knows_after(shop, "discord", "666", code)


async def test_grant_ends_for_cases(shop: Shop) -> None:
    await shop.hears("slack", "T1/U1", CHARGED)
    await shop.hears("discord", "1", await shows_code(shop, "slack", "T1/U1"))
    shop.later(minutes=16)
    shop.engine = replace(shop.engine, writer=(r := Recorder()))
    await shop.hears("discord", "1", "any news on my case please?")
    assert not r.briefs[-1].cases


async def test_grant_is_of_its_conversation(shop: Shop) -> None:
    await shop.hears("slack", "T1/U1", CHARGED)
    await shop.hears("discord", "1", await shows_code(shop, "slack", "T1/U1"), conversation="c1")
    shop.engine = replace(shop.engine, writer=(r := Recorder()))
    await shop.hears("discord", "1", "any news on my case please?", conversation="c2")
    assert not r.briefs[-1].cases


async def test_pair_replay_after_undo(shop: Shop) -> None:
    await shop.hears("slack", "T1/U1", CHARGED)
    asked = await shop.hears("discord", "1", await shows_code(shop, "slack", "T1/U1"))
    await shop.hears("discord", "1", pair_in(asked))
    await shop.hears("slack", "T1/U1", "undo")
    assert "are one" not in await shop.hears("discord", "1", pair_in(asked))


async def test_recycled_sms_and_voice(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "phone:+15550142")
    await shop.hears("sms", "+15550142", CHARGED)
    shop.later(days=46)
    for channel in ("voice", "sms", "voice"):
        assert "$99" not in await knows_after(shop, channel, "+15550142", "Hello, any news please?")


async def test_grant_hides_the_enterers_own(shop: Shop) -> None:
    await shop.hears("slack", "T1/U1", "Hello there")
    await shop.hears("discord", "1", "I was charged $77.10 twice")
    await shop.hears("discord", "1", await shows_code(shop, "slack", "T1/U1"))
    assert "77.10" not in await knows_after(shop, "discord", "1", "what do you know about my case?")


async def test_a_login_vouching_for_a_directory_mailbox(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "email:john@shop.test", "slack:T1/U1")
    await shop.hears("slack", "T1/U1", CHARGED)
    w = {"vouchers": (voucher("email:john@shop.test", "evil"),)}
    assert "$99" not in await knows_after(shop, "web", "evil", "any news on my case?", **w)


async def test_a_plausible_mail_learns_nothing_of_linked_handles(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "email:john@shop.test", "slack:T1/U1")
    await shop.hears("slack", "T1/U1", CHARGED)
    told = await knows_after(shop, "email", "john@shop.test", "any news on my case?", proof=Proof.PLAUSIBLE)
    assert "$99" not in told
    assert "John" not in told


async def test_display_names(shop: Shop) -> None:
    evil = await shop.hears("discord", "666", "Hello, any news?", display_name="John Miller <https://evil.test>")
    assert "John" not in evil


async def test_email_shared_after_directory_says_so(shop: Shop) -> None:
    await shop.knows("cus_1", "John Miller", "email:fam@shop.test", "slack:T1/U1")
    await shop.hears("slack", "T1/U1", CHARGED)
    await shop.knows("cus_2", "Mary Miller", "email:fam@shop.test")
    assert "$99" not in await knows_after(shop, "email", "fam@shop.test", "any news on my case?")
