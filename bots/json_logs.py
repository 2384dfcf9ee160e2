"""The log for programs: one JSON object a line, made by structlog. It names nobody, as bots/logs.py has it."""

import logging

from structlog.processors import JSONRenderer, TimeStamper
from structlog.stdlib import ProcessorFormatter, add_log_level, add_logger_name
from structlog.types import EventDict, Processor, WrappedLogger

from bots.logs import discreet, places
from core.observing import here


class Lines(ProcessorFormatter):
    """Lines with these fields: time, level, logger, event; correlation_id and channel while a message is handled;
    exception, a list of kinds and places, where there is one."""

    def __init__(self) -> None:
        known: list[Processor] = [
            add_log_level,
            add_logger_name,
            TimeStamper(fmt="iso", utc=True, key="time"),
            _of_a_message,
            _exception,
        ]
        super().__init__(
            foreign_pre_chain=known, processors=[ProcessorFormatter.remove_processors_meta, JSONRenderer()]
        )

    def format(self, record: logging.LogRecord) -> str:
        return super().format(discreet(record))


def _of_a_message(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    if of := here():
        line["correlation_id"] = of.id
        line.update({"channel": of.channel} if of.channel else {})
    return line


def _exception(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    caught = line.pop("exc_info", None)
    line.pop("stack_info", None)
    if caught and caught[1]:
        line["exception"] = [place.strip() for place in places(caught[1])]
    return line
