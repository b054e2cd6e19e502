"""What schemathesis does not know by itself: a file of records is sent as it stands."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson", "application/jsonl")
def lines(_context: Any, value: Any) -> bytes:
    """Give text as it is; anything else is one line."""
    return str(value).encode(errors="replace")
