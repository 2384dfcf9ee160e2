"""Addresses that change hands: whoever has one next gets nothing of who had it before, by whatever way."""

from identity.proof import Proof
from tests.shop import Shop, voucher
from tests.test_attacks import CHARGED, knows_after

JOHNS = "email:john@shop.test"


async def test_a_login_from_before_a_mailbox_was_taken_does_not_speak_for_its_next_owner(shop: Shop) -> None:
    """Evidence recorded before the directory took the key must not join the epoch after it."""
    await shop.knows("cus_1", "John Miller", JOHNS)
    await shop.hears("web", "cus_1", CHARGED, vouchers=(voucher(JOHNS, "cus_1"),))
    await shop.hears("email", "john@shop.test", "Hello")
    await shop.knows("cus_1", "John Miller")  # the mailbox is John's no more
    shop.later(days=1)
    assert "$99" not in await knows_after(shop, "email", "john@shop.test", "Hello, any news about my case?")


async def test_nor_does_a_workspace_nor_the_other_way_round(shop: Shop) -> None:
    """John's Slack account, whose profile named the mailbox once, reads Mary's memory."""
    await shop.knows("cus_1", "John Miller", JOHNS)
    await shop.hears("slack", "T1/U1", "Hello", vouchers=(voucher(JOHNS),))
    await shop.hears("email", "john@shop.test", "Hello")
    await shop.knows("cus_1", "John Miller")
    await shop.knows("cus_2", "Mary Brown", JOHNS)
    await shop.hears("email", "john@shop.test", CHARGED)  # Mary
    shop.later(days=1)
    told = await knows_after(shop, "slack", "T1/U1", "Hello, any news?", vouchers=(voucher(JOHNS),))
    assert "$99" not in told
    assert "Mary" not in told


async def test_a_login_that_changes_its_verified_mailbox_leaves_nothing_to_its_next_owner(shop: Shop) -> None:
    """Design: a changed verified key opens a new epoch. The old mailbox is Mary's by a login of hers."""
    await shop.hears("web", "cus_1", "Hello", vouchers=(voucher(JOHNS, "cus_1"),))
    await shop.hears("email", "john@shop.test", CHARGED)
    shop.later(days=1)
    await shop.hears("web", "cus_1", "Hello", vouchers=(voucher("email:new@shop.test", "cus_1"),))
    await shop.hears("web", "cus_2", "Hello", vouchers=(voucher(JOHNS, "cus_2"),))
    assert "$99" not in await knows_after(shop, "web", "cus_2", "Any news?", vouchers=(voucher(JOHNS, "cus_2"),))


async def test_a_new_customer_with_a_reissued_number_gets_nothing_of_its_old_owner(shop: Shop) -> None:
    """Nobody ever vouched that the number was Mary's before the silence; her first row joins what was told before."""
    await shop.hears("sms", "+15550142", CHARGED)  # a stranger
    shop.later(days=60)
    await shop.knows("cus_2", "Mary Brown", "phone:+15550142", "email:mary@shop.test")
    assert "$99" not in await knows_after(shop, "email", "mary@shop.test", "Hello, any news?")


async def test_our_own_lines_do_not_carry_the_directory_into_a_merely_plausible_turn(shop: Shop) -> None:
    """Replies note the handles that they were drawn from, not the directory: a plausible mail recalls the name."""
    await shop.knows("cus_1", "John Miller", JOHNS)
    await shop.hears("email", "john@shop.test", CHARGED)
    shop.later(hours=2)
    assert "John" in await shop.hears("email", "john@shop.test", "Hello, any news?")
    assert "John" not in await knows_after(
        shop, "email", "john@shop.test", "And now?", proof=Proof.PLAUSIBLE, conversation="other"
    )


async def test_a_number_that_changed_hands_is_not_its_former_owners_again_when_the_new_one_is_forgotten(
    shop: Shop,
) -> None:
    await shop.knows("cus_1", "John Smith", "phone:+15550142", "email:john@post.test")
    await shop.hears("email", "john@post.test", "I was charged $99 twice for order W4829137")
    await shop.hears("sms", "+15550142", "Any news?")
    shop.later(days=50)
    await shop.knows("cus_2", "Mary Jones", "phone:+15550142")
    await shop.hears("sms", "+15550142", "My parcel W7777777 is late")
    await shop.ledger.erase("cus_2", receipt="r1", now=shop.now)
    shop.later(minutes=5)
    anew = await shop.hears("sms", "+15550142", "Hello, any news?")
    assert not [known for known in ("John", "$99", "9137", "Mary", "7777") if known in anew]


async def test_a_number_that_changed_hands_is_not_its_former_owners_again_when_the_directory_takes_it_from_the_new_one(
    shop: Shop,
) -> None:
    await shop.knows("cus_1", "John Smith", "phone:+15550142", "email:john@post.test")
    await shop.hears("email", "john@post.test", "I was charged $99 twice for order W4829137")
    await shop.hears("sms", "+15550142", "Any news?")
    shop.later(days=50)
    await shop.knows("cus_2", "Mary Jones", "phone:+15550142")
    await shop.hears("sms", "+15550142", "My parcel W7777777 is late")
    shop.later(minutes=5)
    await shop.knows("cus_2", "Mary Jones")
    anew = await shop.hears("sms", "+15550142", "Hello, any news?")
    assert not [known for known in ("John", "$99", "9137", "Mary", "7777") if known in anew]


async def test_nor_when_the_directory_takes_it_from_somebody_who_was_silent_for_long(shop: Shop) -> None:
    await shop.knows("cus_1", "John Smith", "phone:+15550142", "email:john@post.test")
    await shop.knows("cus_2", "Mary Jones", "phone:+15550142")
    await shop.hears("email", "john@post.test", "I was charged $99 twice for order W4829137")
    await shop.hears("sms", "+15550142", "Any news?")
    shop.later(days=50)
    await shop.knows("cus_2", "Mary Jones")
    anew = await shop.hears("sms", "+15550142", "Hello, any news?")
    assert not [known for known in ("John", "$99", "9137") if known in anew]
