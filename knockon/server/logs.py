"""Logs: one line for each event, with the id of the request that it happened in."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from typing import Any, Literal

import orjson

Style = Literal["auto", "json", "text"]
Level = Literal["debug", "info", "warning", "error"]

request_id: ContextVar[str] = ContextVar("request_id", default="")
ABOUT = "about"
"""Key of ``extra``: a mapping of what an event is about, by name."""


def set_up(style: Style, level: Level) -> None:
    """Let all that is logged from now on go to standard error; ``auto`` is text for a terminal, else JSON."""
    handler = logging.StreamHandler()
    text = style == "text" or (style == "auto" and sys.stderr.isatty())
    handler.setFormatter(Words() if text else Json())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # that it starts and ends is told by the command
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it tells whole addresses, secrets in them too
    logging.getLogger("neo4j").propagate = False  # it repeats what it raises, and may name parameters


class Json(logging.Formatter):
    """An event as a JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        return orjson.dumps(_told(self, record), default=str).decode()


class Words(logging.Formatter):
    """An event as words; what it is about follows as JSON, so that no value can pretend to be a line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        told = _told(self, record)
        error = told.pop("error", "")
        begin = f"{told.pop('at')} {told.pop('level')} {told.pop('event')}"
        more = " ".join(f"{name}={orjson.dumps(value, default=str).decode()}" for name, value in told.items())
        return f"{begin} {more}" + (f"\n{error}" if error else "")


def _told(formatter: logging.Formatter, record: logging.LogRecord) -> dict[str, Any]:
    told: dict[str, Any] = {
        "at": formatter.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"), "level": record.levelname.lower(),
        "event": record.getMessage(), "logger": record.name,
    }  # fmt: skip
    if known := request_id.get():
        told["request_id"] = known
    told |= getattr(record, ABOUT, {})
    if record.exc_info:
        told["error"] = formatter.formatException(record.exc_info)
    return told
