"""One set of Tiled's routes for all catalogues of a pytest process: they take most of the time of opening one.

The routes hold no state of a catalogue, which Tiled keeps in the application (`app.state.root_tree`): they depend on
the registries alone.
"""

from __future__ import annotations

import functools
from typing import Any

import fastapi.dependencies.utils
import pytest
import tiled.server.app

build_router = tiled.server.app.get_router
ROUTERS: dict[tuple[int, ...], tuple[Any, tuple[Any, ...]]] = {}
"""Routes by the identities of their registries, and these registries, so that no other object gets their identity."""


def shared_router(*registries: Any) -> Any:
    """Return the routes for Tiled's registries and (last) authenticators, built at the first call."""
    *stateless, authenticators = registries
    if authenticators:
        return build_router(*registries)
    key = tuple(id(registry) for registry in stateless)
    if key not in ROUTERS:
        ROUTERS[key] = (build_router(*registries), registries)
    return ROUTERS[key][0]


def share_routes(patch: pytest.MonkeyPatch) -> None:
    """Let all catalogues that this process opens have the same routes."""
    patch.setattr(tiled.server.app, "get_router", shared_router)
    # Every application looks at the signatures of its routes and of all that they depend on, again and again.
    signature = functools.cache(fastapi.dependencies.utils.get_typed_signature)
    patch.setattr(fastapi.dependencies.utils, "get_typed_signature", signature)
