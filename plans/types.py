"""Types that every part of the plans shares."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeAlias

from bluesky.utils import Msg

Plan: TypeAlias = Generator[Msg, Any, None]
"""A bluesky plan without a result."""

RunPlan: TypeAlias = Generator[Msg, Any, str]
"""A plan that makes one run and returns its uid."""

AnyPlan: TypeAlias = Generator[Msg, Any, Any]
"""A plan with some result."""

Exposure: TypeAlias = tuple[int, int, int]
"""Key of an exposure within its run: scan index, point index, laser shutter (1 open, 0 closed)."""
