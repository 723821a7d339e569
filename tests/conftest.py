"""What all tests share: property tests that repeat exactly, and take their time on a busy machine."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("sandbox", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile("sandbox")
