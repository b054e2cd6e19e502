"""Scenario results as JUnit XML, which build servers read."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knockon.itsm.scenarios import Result, ScenarioReport

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even escaped (section 2.2)."""


def junit_xml(report: ScenarioReport) -> bytes:
    """Write a test suite for each file and a test case for each scenario; UTF-8."""
    root = Element("testsuites", {"name": "knockon scenarios", **_counts(report.results)})
    for file, results in groupby(report.results, key=lambda each: each.scenario.file):
        listed = list(results)
        suite = SubElement(root, "testsuite", {"name": _text(file), **_counts(listed)})
        for each in listed:
            scenario = each.scenario
            case = SubElement(
                suite, "testcase", classname=_text(file), name=_text(scenario.name), file=_text(file),
                line=str(scenario.line),
            )  # fmt: skip
            if each.outcome != "passed":
                words = [_text(f"{file}:{line}: {text}") for line, text in each.because]
                tag = "failure" if each.outcome == "failed" else "error"
                SubElement(case, tag, message=_text(each.because[0][1])).text = "\n".join(words)
    indent(root)
    found: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return found + b"\n"


def _counts(results: Sequence[Result]) -> dict[str, str]:
    failed, errors = (sum(each.outcome == outcome for each in results) for outcome in ("failed", "error"))
    return {"tests": str(len(results)), "failures": str(failed), "errors": str(errors)}


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
