"""Pictures of the main pages as docs/ shows them, of a support desk in the middle of its week; `make pictures` keeps
them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, ViewportSize

from core.accounts import Role
from tests.console.office import Office
from tests.console.watched import watching

WISHES = [
    ("email", "I was charged $99 instead of $49 after my downgrade, the order is W4829137. I checked the invoice."),
    ("sms", "My parcel W7730021 never arrived, I have been waiting for two weeks."),
    ("slack", "The export stops with error E-402 on my laptop. I restarted it already."),
    ("discord", "The jacket came with a broken zip, order W5512208."),
    ("web", "I cannot sign in any more, the reset mail never comes."),
]
NAMES = ["Ann Keller", "Omar Haddad", "Mei Tanaka", "Lucia Romero", "Tom Berg", "Ines Costa", "Paul Novak", "Eva Lind"]


async def a_week(office: Office) -> None:
    """Customers of every channel, some answered, some waiting, some content; it ends now."""
    office.shop.now = datetime.now(UTC) - timedelta(days=5)
    for n in range(20):
        name, (channel, wish) = NAMES[n % len(NAMES)], WISHES[n % len(WISHES)]
        who = {"sms": f"+1555010{n:04}", "email": f"customer{n}@shop.test"}.get(channel, f"T1/U{n}")
        key = f"phone:{who}" if channel == "sms" else f"{channel}:{who}"
        await office.shop.knows(f"cus_{n}", name, key, plan=["Pro", "Basic"][n % 2], value=900.0 * (n + 1))
        await office.shop.hears(channel, who, wish)
        if n % 2:
            office.shop.later(minutes=20)
            await office.shop.hears(channel, who, "This is the second time I ask. I want to speak to a human!")
        if n < 14 and n % 3:
            office.shop.later(minutes=30)
            await office.desk.reply(n + 1, "bea", "I have seen to it.")
            office.shop.later(minutes=10)
            ended = await office.desk.resolve(n + 1, "bea", "Corrected by hand, confirmed by mail.", 3 + n % 3)
            await office.desk.learn(ended)
        office.shop.later(hours=5)


@pytest.mark.timeout(180)
async def test_the_main_pages_as_they_look(office: Office, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    folder: Path = request.config.getoption("--pictures") or tmp_path
    await office.hires("bea", Role.LEAD)
    await a_week(office)
    wide: ViewportSize = {"width": 1440, "height": 900}
    phone: ViewportSize = {"width": 390, "height": 844}
    async with watching(office, name="bea", viewport=wide) as page:
        for name in ("queue", "case", "insights", "playbook", "status"):
            await picture(page, folder, name)
        await page.emulate_media(color_scheme="dark")
        await picture(page, folder, "case", suffix="-dark")
        await page.emulate_media(color_scheme="light")
        await page.set_viewport_size(phone)
        await picture(page, folder, "queue", suffix="-phone")
        await picture(page, folder, "case", suffix="-phone")
    for kept in folder.glob("console-*.png"):
        assert kept.stat().st_size > 10_000, kept


async def picture(page: Page, folder: Path, name: str, *, suffix: str = "") -> None:
    """Keeps a picture of a page."""
    paths = {"queue": "/console?tab=all", "case": "/console/cases/16"}
    await page.goto(paths.get(name, f"/console/{name}"))
    await page.screenshot(path=folder / f"console-{name}{suffix}.png")
