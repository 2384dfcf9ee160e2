"""What somebody told of themselves long ago is confirmed before it is used, never asserted and never asked for anew."""

import pytest

from tests.shop import Shop

WHO = ("slack", "T1/U1")


@pytest.mark.parametrize(("days", "confirmed"), [(30, False), (200, True)])
async def test_an_old_device_is_confirmed_with_the_next_fault(shop: Shop, days: int, confirmed: bool) -> None:
    await shop.hears(*WHO, "My app shows error KX-48213 on my Galaxy Tab")
    await shop.hears(*WHO, "It is solved, thank you")
    shop.later(days=days)
    said = await shop.hears(*WHO, "New problem: the app shows error ZZ-11111")
    assert ("Is it still Galaxy Tab?" in said) == confirmed
    assert "which device" not in said


async def test_a_new_value_takes_the_old_ones_place(shop: Shop) -> None:
    await shop.hears(*WHO, "My app shows error KX-48213 on my Galaxy Tab")
    await shop.hears(*WHO, "It is solved, thank you")
    shop.later(days=200)
    said = await shop.hears(*WHO, "New problem: the app shows error ZZ-11111 on my Pixel 8")
    assert "still" not in said
    assert "Galaxy" not in said
