"""A colleague at the console: a browser that reads pages, follows links and sends forms."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser

import aiohttp

from core.errors import Problem

_LINE_ENDS = frozenset({"h1", "h2", "p", "li", "dd", "tr", "dt"})


@dataclass(kw_only=True)
class Form:
    """A form: where it goes, what its fields hold, which is the password's, and what its buttons say."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    password: str = ""
    buttons: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """A page as a reader takes it in: lines under headings, links, forms."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.title = ""
        self.sections: dict[str, list[str]] = {"": []}
        self.links: dict[str, str] = {}
        self.forms: list[Form] = []
        self._open: list[str] = []
        self._words: list[str] = []
        self._heading = self._href = ""
        self.feed(html)

    def lines(self, heading: str) -> Sequence[str]:
        """What stands under a heading. Raises Problem when it is not there."""
        if heading not in self.sections:
            raise Problem(f"the console shows no section {heading!r}; there are {', '.join(self.sections)}")
        return self.sections[heading]

    def form(self, button: str) -> Form:
        """The form with this button. Raises Problem when there is none."""
        for form in self.forms:
            if button in form.buttons:
                return form
        raise Problem(
            f"the console shows no button {button!r}; there are {[name for f in self.forms for name in f.buttons]}"
        )

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begins a link, a form, a field or a line."""
        given = {name: value or "" for name, value in attrs}
        self._open.append(tag)
        if tag == "a":
            self._href = given.get("href", "")
        elif tag == "form":
            self.forms.append(Form(action=given.get("action", "")))
        elif tag in {"input", "textarea"} and self.forms:
            self._field(given)

    def _field(self, given: dict[str, str]) -> None:
        form, name = self.forms[-1], given.get("name", "")
        form.fields[name] = given.get("value", "")
        if given.get("type") == "password":
            form.password = name

    def handle_endtag(self, tag: str) -> None:
        """Ends a line; a paragraph within a list's item or a term before its meaning goes on in the same one."""
        while self._open and self._open.pop() != tag:
            pass
        if tag == "dt" or (tag == "p" and "li" in self._open):
            self._words.append(":")
        elif tag in _LINE_ENDS and "main" in self._open:
            self._end_line(tag)

    def _end_line(self, tag: str) -> None:
        text = " ".join(self._words).replace(" :", ":").replace(" ,", ",").strip(" :")
        self._words = []
        if tag == "h1":
            self.title = text
        elif tag == "h2":
            self._heading = text
            self.sections[text] = []
        elif text:
            self.sections[self._heading].append(text)

    def handle_data(self, data: str) -> None:
        """Takes up words."""
        words = " ".join(data.split())
        if not words or "main" not in self._open:
            return
        if "button" in self._open:
            self.forms[-1].buttons.append(words)
        elif "form" not in self._open:
            self._words.append(words)
        if "a" in self._open:
            self.links[words] = self._href


@dataclass(kw_only=True)
class Agent:
    """A colleague who has a page open."""

    browser: aiohttp.ClientSession
    page: Page = field(default_factory=lambda: Page(""))
    path: str = ""

    async def opens(self, path: str) -> Page:
        """Goes to a page."""
        async with self.browser.get(path) as answer:
            self.page, self.path = await _read(answer), path
        return self.page

    async def reloads(self) -> Page:
        """Looks at the page again."""
        return await self.opens(self.path)

    async def follows(self, words: str) -> Page:
        """Follows the first link with these words. Raises Problem when there is none."""
        if words not in self.page.links:
            raise Problem(f"the console shows no link {words!r}; there are {', '.join(self.page.links)}")
        return await self.opens(self.page.links[words])

    async def presses(self, button: str, **typed: str) -> Page:
        """Fills in the form with this button, and sends it."""
        form = self.page.form(button)
        return await self._send(form, typed)

    async def signs_in(self, token: str) -> Page:
        """Types the token into the one password field."""
        await self.opens("/console/login")
        form = next(form for form in self.page.forms if form.password)
        return await self._send(form, {form.password: token})

    async def _send(self, form: Form, typed: dict[str, str]) -> Page:
        async with self.browser.post(form.action, data=form.fields | typed) as answer:
            self.page = await _read(answer)
        return self.page


@asynccontextmanager
async def agent(url: str) -> AsyncIterator[Agent]:
    """A colleague's browser, until the block is left."""
    jar = aiohttp.CookieJar(unsafe=True)  # else it keeps no cookies of bare IP addresses
    async with aiohttp.ClientSession(url, cookie_jar=jar, headers={"origin": url}) as browser:
        yield Agent(browser=browser)


async def _read(answer: aiohttp.ClientResponse) -> Page:
    if not answer.ok:
        raise Problem(f"{answer.method} {answer.url.path} was answered {answer.status}")
    return Page(await answer.text())
