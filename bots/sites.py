"""What channels are put into: see core/channel.py, Site."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from bots.givens import clock, secret_for
from bots.roster import load
from bots.settings import VAR, Settings, read
from core.backends.ledger.sql import SqlLedger
from core.channel import Channel, Site, to_nobody

if TYPE_CHECKING:
    from core.backends.announcing import Announcements

_LOOKED_BACK = timedelta(days=30)  # in which a conversation was heard that may have gone on while we were away


@dataclass(frozen=True, kw_only=True)
class Sites:
    """Makes channels. `note` is told how each does, by what it is about, and why not well."""

    settings: Settings
    values: Mapping[str, str]
    ledger: SqlLedger
    note: Callable[[str, str], None] = lambda _what, _why: None
    announcements: "Announcements | None" = None  # None for one process alone

    def channel(self, name: str) -> Channel[Any]:
        """One channel, from its settings. Raises Misconfigured."""
        kind = load(name)
        return kind(read(kind.Settings, self.values), self._site(name))

    def _site(self, name: str) -> Site:
        settings, ledger = self.settings, self.ledger
        return Site(
            name=settings.bot_name,
            brand=settings.brand_name,
            base_url=settings.base_url,
            secret=secret_for(f"channel {name}", settings.secret()),
            accepted=[secret_for(f"channel {name}", former) for former in settings.accepted()],
            var=VAR,
            now=clock,
            transcript=partial(ledger.transcript, name),
            sent_file=partial(ledger.sent_file, name),
            places=lambda: ledger.places(name, since=clock() - _LOOKED_BACK),
            languages=settings.languages,
            announce=partial(self.announcements.tell, name) if self.announcements else to_nobody,
            noted=lambda what, why: self.note(f"{what} {name}", why),
        )
