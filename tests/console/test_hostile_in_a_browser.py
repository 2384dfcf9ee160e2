"""What hostile customers write, shown by a real browser: no script runs, no other machine is asked, and no page
complains, with each of 50 texts as a name, as words, and as the name of a file."""

import pytest
from playwright.async_api import Dialog, expect

from core.messages import Attachment
from tests.console.office import Office
from tests.console.test_hostile import PAYLOADS
from tests.console.watched import watching

pytestmark = pytest.mark.slow


async def _write_to_us(office: Office) -> None:
    for n, text in enumerate(PAYLOADS):
        await office.shop.knows(f"cus_{n}", text, f"slack:T1/U{n}", plan=text)
        files = (Attachment(name=text, media_type="image/png", size=3, content=b"abc"),)
        wish = f"I want to speak to a human! {text}"
        await office.shop.hears("slack", f"T1/U{n}", wish, display_name=text, attachments=files)


@pytest.mark.timeout(180)
async def test_nothing_that_was_written_runs(office: Office) -> None:
    assert len(PAYLOADS) == 50
    await _write_to_us(office)
    opened: list[str] = []

    async def close(dialog: Dialog) -> None:
        opened.append(dialog.message)
        await dialog.dismiss()

    async with watching(office, forgiving=["404"]) as page:  # the pictures are none
        page.on("dialog", close)
        await expect(page.get_by_role("row")).to_have_count(51)
        for path in ("/console/search?q=alert", "/console/status", "/console/insights", "/console/identity"):
            await page.goto(path)
        for case in range(1, len(PAYLOADS) + 1):
            await page.goto(f"/console/cases/{case}")
            await expect(page.locator("h1")).to_have_count(1)
    assert opened == []
