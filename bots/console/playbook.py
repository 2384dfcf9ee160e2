"""The playbook: what worked, how well and for whom, where it was used; and what leads do with it. Agents may read it.

`state`, `category`, `q`, `sort` and `page` are in the address. A deed is answered 303 when it was done; 409 with the
page, the reason and what was typed when it was not; 404 for an agent, and for a pattern that does not exist.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bots.console.door import Done, Door, NoSuchPage
from bots.console.forms import Form
from bots.console.pages import go, page
from core.accounts import Colleague, Role
from core.curating import LONGEST, PAGE, Curating, NoSuchPattern, Order, Wanted, draft_of
from core.desk import Refused
from core.playbook import State
from core.writing import Category

HERE = "/console/playbook"
_LONGEST_NUMBER = 15  # digits
_DONE = {
    "approve": "Approved: customers may be told of it from now on.",
    "withdraw": "The approval is withdrawn.",
    "edit": "It is worded anew. How it was is kept below.",
    "retire": "It is retired: nobody is told of it any more.",
    "bring-back": "It is used again.",
    "merge": "The other one is merged into this one, which has its votes now.",
}

Deed = Callable[[int, str, Form], Awaitable[int]]  # the pattern, the lead's name, what was typed: which to show then


@dataclass(frozen=True, kw_only=True)
class PlaybookPages:
    """The list, each pattern, and the deeds on it."""

    curating: Curating
    door: Door

    def routes(self) -> Sequence[BaseRoute]:
        """All of them."""
        path = f"{HERE}/{{pattern}}"
        deeds: Mapping[str, Deed] = {
            "approve": self.approve,
            "withdraw": self.withdraw,
            "edit": self.edit,
            "retire": self.retire,
            "bring-back": self.bring_back,
            "merge": self.merge,
        }
        return [
            Route(HERE, self.door.shown(self.all), methods=["GET"]),
            Route(path, self.door.shown(self.one), methods=["GET"]),
            *(
                Route(f"{path}/{name}", self.door.done(self.on_pattern(name, do), role=Role.LEAD), methods=["POST"])
                for name, do in deeds.items()
            ),
        ]

    # ── pages ──
    async def all(self, request: Request, who: Colleague) -> Response:
        """The patterns that are wanted."""
        wanted = _wanted(request.query_params)
        found, many = await self.curating.listed(wanted)
        return page(
            "playbook.html",
            here=HERE,
            agent=who,
            found=found,
            many=many,
            wanted=wanted,
            following=wanted.page * PAGE < many,
            link=_link(wanted),
            states=list(State),
            orders=list(Order),
            categories=get_args(Category),
            enough=self.curating.enough,
        )

    async def one(self, request: Request, who: Colleague) -> Response:
        """One pattern with everything about it."""
        done = _DONE.get(request.query_params.get("done", ""), "")
        return await self._pattern(_number(request.path_params["pattern"]), who, request, done=done)

    async def _pattern(
        self,
        pattern: int,
        who: Colleague,
        request: Request,
        *,
        done: str = "",
        refused: str = "",
        deed: str = "",
        typed: Form | None = None,
    ) -> Response:
        number = _page(request.query_params)
        try:
            opened = await self.curating.open(pattern, who.name, number)
        except NoSuchPattern as error:
            raise NoSuchPage(str(error)) from None
        return page(
            "pattern.html",
            409 if refused else 200,
            here=HERE,
            agent=who,
            opened=opened,
            entry=opened.entry,
            number=number,
            categories=get_args(Category),
            enough=self.curating.enough,
            longest=LONGEST,
            done=done,
            refused=refused,
            deed=deed,
            typed=typed or {},
        )

    # ── deeds ──
    def on_pattern(self, name: str, do: Deed) -> Done:
        """A deed on the pattern that the path names."""

        async def done(request: Request, lead: Colleague, form: Form) -> Response:
            pattern = _number(request.path_params["pattern"])
            try:
                shown = await do(pattern, lead.name, form)
            except NoSuchPattern as error:
                raise NoSuchPage(str(error)) from None
            except Refused as error:
                return await self._pattern(pattern, lead, request, refused=str(error), deed=name, typed=form)
            return go(f"{HERE}/{shown}?done={name}")

        return done

    async def approve(self, pattern: int, lead: str, _form: Form) -> int:
        """Customers may be told of it."""
        await self.curating.approve(pattern, lead)
        return pattern

    async def withdraw(self, pattern: int, lead: str, _form: Form) -> int:
        """It needs customers whom it helped again."""
        await self.curating.withdraw(pattern, lead)
        return pattern

    async def edit(self, pattern: int, lead: str, form: Form) -> int:
        """Words it anew."""
        draft = draft_of(form.get("category", ""), form.get("issue", ""), form.get("resolution", ""))
        await self.curating.edit(pattern, draft, lead)
        return pattern

    async def retire(self, pattern: int, lead: str, _form: Form) -> int:
        """Nobody is told of it any more."""
        await self.curating.retire(pattern, lead)
        return pattern

    async def bring_back(self, pattern: int, lead: str, _form: Form) -> int:
        """It is used again."""
        await self.curating.bring_back(pattern, lead)
        return pattern

    async def merge(self, pattern: int, lead: str, form: Form) -> int:
        """It becomes part of another one, which is shown then."""
        into = form.get("into", "").strip().removeprefix("#")
        if not _is_number(into):
            raise Refused("Nothing was changed: say the number of the pattern that it is to become part of.")
        try:
            await self.curating.merge(pattern, int(into), lead)
        except NoSuchPattern:
            raise Refused(f"Nothing was changed: there is no pattern {into}.") from None
        return int(into)


def _wanted(query: Mapping[str, str]) -> Wanted:
    category, state, order = query.get("category", ""), query.get("state", ""), query.get("sort", "")
    return Wanted(
        state=State(state) if state in list(State) else None,
        category=category if category in get_args(Category) else "",
        text=query.get("q", "").strip()[:100],
        order=Order(order) if order in list(Order) else Order.NEWEST,
        page=_page(query),
    )


def _link(wanted: Wanted) -> Callable[[int], str]:
    """The address of another page of the same."""

    def link(number: int) -> str:
        told = {"state": wanted.state or "", "category": wanted.category, "q": wanted.text, "sort": wanted.order}
        return f"{HERE}?{urlencode({**{name: value for name, value in told.items() if value}, 'page': number})}"

    return link


def _page(query: Mapping[str, str]) -> int:
    number = query.get("page", "")
    return max(int(number), 1) if _is_number(number) and len(number) < 7 else 1  # noqa: PLR2004 - no list is that long


def _number(typed: str) -> int:
    if not _is_number(typed):
        raise NoSuchPage("there is no such pattern")
    return int(typed)


def _is_number(typed: str) -> bool:
    return typed.isascii() and typed.isdecimal() and len(typed) <= _LONGEST_NUMBER
