"""Scenario results as JUnit XML, which build servers read."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from knockon.itsm.formats.xml_text import xml_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knockon.itsm.scenarios.scenarios import Result, ScenarioReport


def junit_xml(report: ScenarioReport) -> bytes:
    """Write a test suite for each file and a test case for each scenario; UTF-8."""
    root = Element("testsuites", {"name": "knockon scenarios", **_counts(report.results)})
    for file, results in groupby(report.results, key=lambda each: each.scenario.file):
        listed = list(results)
        suite = SubElement(root, "testsuite", {"name": xml_text(file), **_counts(listed)})
        for each in listed:
            scenario = each.scenario
            case = SubElement(
                suite, "testcase", classname=xml_text(file), name=xml_text(scenario.name), file=xml_text(file),
                line=str(scenario.line),
            )  # fmt: skip
            if each.outcome != "passed":
                words = [xml_text(f"{file}:{line}: {text}") for line, text in each.because]
                tag = "failure" if each.outcome == "failed" else "error"
                SubElement(case, tag, message=xml_text(each.because[0][1])).text = "\n".join(words)
    indent(root)
    found: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return found + b"\n"


def _counts(results: Sequence[Result]) -> dict[str, str]:
    failed, errors = (sum(each.outcome == outcome for each in results) for outcome in ("failed", "error"))
    return {"tests": str(len(results)), "failures": str(failed), "errors": str(errors)}
