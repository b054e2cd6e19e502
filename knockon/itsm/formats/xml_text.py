"""Text for XML."""

from __future__ import annotations

import re

_NOT_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """Put U+FFFD for the characters that XML 1.0 cannot hold, not even escaped (section 2.2)."""
    return _NOT_XML.sub("\ufffd", text)
