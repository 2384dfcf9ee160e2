"""Files in a real browser, without scripts too: they are chosen, sent, previewed and saved, and a hostile one does
nothing."""

from pathlib import Path

import pytest
from playwright.async_api import FilePayload, expect

from tests.browser import browsing
from tests.console.office import TOKEN, Office
from tests.console.test_previews import PAGE, ann_sends, bomb
from tests.console.test_sent_files import arrived
from tests.enclosures import PDF, png

CHOSEN: list[FilePayload] = [
    {"name": "invoice 12.pdf", "mimeType": "application/pdf", "buffer": PDF},
    {"name": "kettle.png", "mimeType": "image/png", "buffer": png(40, 30)},
]


@pytest.mark.parametrize("scripts", [True, False])
async def test_files_are_sent_and_seen(office: Office, scripts: bool) -> None:
    await office.shop.hears("slack", "T1/U9", "I want to speak to a human")
    async with browsing(java_script_enabled=scripts) as tab:
        page = tab.page
        await page.goto(f"{office.url}/console/login")
        await page.get_by_label("Password").fill(TOKEN)
        await page.get_by_role("button", name="Sign in").click()
        await page.goto(f"{office.url}/console/cases/1")
        await page.get_by_label("Files").set_input_files(CHOSEN)
        await page.get_by_label("Reply", exact=True).fill("Here they are.")
        await page.get_by_role("button", name="Send", exact=True).click()
        await expect(page.get_by_role("link", name="invoice 12.pdf")).to_be_visible()
        picture = page.locator("img.preview")
        await expect(picture).to_be_visible()
        if scripts:
            await expect(picture).to_have_js_property("naturalWidth", 40)
        async with page.expect_download() as saving:
            await page.get_by_role("link", name="invoice 12.pdf").click()
        assert Path(await (await saving.value).path()).read_bytes() == PDF
    await office.delivered()
    assert [one.name for one in arrived(office)[0].files] == ["invoice 12.pdf", "kettle.png"]


@pytest.mark.parametrize("hostile", [PAGE, bomb(65_535, 65_535)], ids=["page", "bomb"])
async def test_a_hostile_picture_does_nothing(office: Office, hostile: bytes) -> None:
    await ann_sends(office, "kettle.png", hostile, "image/png")
    async with browsing() as tab:
        tab.forgives("404")
        page = tab.page
        await page.goto(f"{office.url}/console/login")
        await page.get_by_label("Password").fill(TOKEN)
        await page.get_by_role("button", name="Sign in").click()
        await page.goto(f"{office.url}/console/cases/1")
        picture = page.locator("img.preview")
        await picture.scroll_into_view_if_needed()
        await expect(picture).to_have_js_property("complete", True)
        await expect(picture).to_have_js_property("naturalWidth", 0)
        await expect(page.get_by_role("link", name="kettle.png").first).to_be_visible()
