"""The command line: plain verbs, tables for people, ``--json`` for scripts."""

from __future__ import annotations

from knockon.cli.main import main

__all__ = ["main"]
