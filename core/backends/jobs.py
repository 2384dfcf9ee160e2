"""Jobs: conversations that wait for whichever worker is free, by procrastinate in the ledger's PostgreSQL.

They stand in a schema of their own and hold nothing that the ledger does not: those of another version are dropped and
made anew, and one that died with its worker is dropped and given out again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta

import procrastinate
import psycopg
from procrastinate.connector import Notify
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Status
from procrastinate.schema import SchemaManager

from core.backends.ledger.postgres import WHO_IS_STUCK_LETS_GO
from core.rounds import Round, together

log = logging.getLogger(__name__)

_SCHEMA = "throughline_jobs"
_MAKING = 7_301_946  # the number of our lock in the database
_AT_ONCE = 64  # conversations that one worker answers side by side; most of them wait for a model, or for a burst
_CONNECTIONS = 4
_HEARTBEAT = 5.0  # seconds
_DEAD = 20.0  # seconds after a worker's last heartbeat
_LOOKS = 5.0  # seconds after which a worker looks though it was told of nothing
_AGAIN = 0.02  # seconds, longer than looking takes
_RECOVERS = timedelta(seconds=5)
_GRACE = 10.0  # seconds in which a worker that stops finishes what it is at
_PAUSE = 5.0  # seconds
_ANSWER = "answer"


class _Told(procrastinate.PsycopgConnector):
    """procrastinate forgets a notice that comes while it looks for a job, so it is given each a second time."""

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        async def told(*, channel: str, payload: str) -> None:
            await on_notification(channel=channel, payload=payload)
            asyncio.get_running_loop().call_later(_AGAIN, again, channel, payload)

        def again(channel: str, payload: str) -> None:
            task = asyncio.ensure_future(on_notification(channel=channel, payload=payload))
            telling.add(task)
            task.add_done_callback(telling.discard)

        telling: set[asyncio.Future[None]] = set()
        await super().listen_notify(told, channels)


class Jobs:
    """`url` is the ledger's. After `open` work can be handed to other processes, or be taken."""

    def __init__(self, url: str) -> None:
        self._url = url
        options = {"options": f"-c search_path={_SCHEMA} {WHO_IS_STUCK_LETS_GO}"}
        connector = _Told(conninfo=url, kwargs=options, min_size=1, max_size=_CONNECTIONS)
        self._app = procrastinate.App(connector=connector)

    async def open(self) -> None:
        """Makes the tables of jobs where there are none of this version, and connects."""
        await self._make()
        await self._app.open_async()

    async def close(self) -> None:
        """Disconnects."""
        await self._app.close_async()

    async def hand_over(self, line: str) -> None:
        """Has a line answered by a worker. One that waits for a worker already is not given out twice."""
        with suppress(AlreadyEnqueued):
            await self._app.configure_task(_ANSWER, lock=line, queueing_lock=line).defer_async(line=line)

    async def work(self, answer: Callable[[str], Awaitable[None]], rounds: Sequence[Round]) -> None:
        """Answers lines that are handed over, and makes rounds, until cancelled."""

        async def answer_line(line: str) -> None:
            await answer(line)

        self._app.task(name=_ANSWER)(answer_line)
        for one in together([*rounds, Round(name="recover", every=_RECOVERS, work=self._recover)]):
            self._make_round(one)
        while True:
            try:
                await self._app.run_worker_async(
                    concurrency=_AT_ONCE,
                    delete_jobs="always",
                    fetch_job_polling_interval=_LOOKS,
                    install_signal_handlers=False,
                    shutdown_graceful_timeout=_GRACE,
                    stalled_worker_timeout=_DEAD,
                    update_heartbeat_interval=_HEARTBEAT,
                )
            except Exception:
                log.exception("the worker broke off; it is started again")
            await asyncio.sleep(_PAUSE)

    def _make_round(self, one: Round) -> None:
        async def make(timestamp: int) -> None:  # noqa: ARG001 - procrastinate tells when it was due
            await one.make()

        self._app.periodic(cron=_crontab(one.every))(self._app.task(name=one.name, queueing_lock=one.name)(make))

    async def _recover(self) -> None:
        """Gives out again what died with its worker."""
        for job in await self._app.job_manager.get_stalled_jobs(seconds_since_heartbeat=_DEAD):
            log.warning("a worker died at work; another one takes it up")
            await self._app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
            if job.task_name == _ANSWER:
                await self.hand_over(str(job.task_kwargs["line"]))

    async def _make(self) -> None:
        version = f"procrastinate {procrastinate.__version__}"
        async with await psycopg.AsyncConnection.connect(self._url, options=WHO_IS_STUCK_LETS_GO) as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_MAKING])
            found = await connection.execute("SELECT obj_description(to_regnamespace(%s), 'pg_namespace')", [_SCHEMA])
            if await found.fetchone() == (version,):
                return
            await connection.execute(f"DROP SCHEMA IF EXISTS {_SCHEMA} CASCADE")
            await connection.execute(f"CREATE SCHEMA {_SCHEMA}")
            await connection.execute(f"SET LOCAL search_path = {_SCHEMA}")
            await connection.execute(SchemaManager.get_schema())
            await connection.execute(f"COMMENT ON SCHEMA {_SCHEMA} IS '{version}'")


def _crontab(every: timedelta) -> str:
    """As a crontab, with seconds at its end where it is less than a minute."""
    seconds = int(every.total_seconds())
    if seconds < 60:  # noqa: PLR2004
        return f"* * * * * */{seconds}"
    return "0 * * * *" if seconds >= 3600 else f"*/{seconds // 60} * * * *"  # noqa: PLR2004
