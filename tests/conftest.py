"""Hypothesis profiles: ``ci`` unless told, ``--hypothesis-profile=thorough`` for a long search."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("ci", max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("ci"), max_examples=5_000)
settings.load_profile("ci")
