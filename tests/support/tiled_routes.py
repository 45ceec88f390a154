"""One set of Tiled's routes for all catalogues of a pytest process: they take most of the time of opening one.

The routes hold no state of a catalogue, which Tiled keeps in the application (`app.state.root_tree`): they depend on
the registries alone.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import fastapi.dependencies.utils
import fastapi.routing
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


build_dependant = fastapi.dependencies.utils.get_dependant


@functools.cache
def shared_dependant(path: str, call: Any, own: Any, parent: Any, **options: Any) -> Any:
    """Return what FastAPI finds in the signature of `call`, looked at once."""
    return build_dependant(path=path, call=call, own_oauth_scopes=own, parent_oauth_scopes=parent, **options)


def dependant_of(
    *, path: str, call: Any, own_oauth_scopes: Any = None, parent_oauth_scopes: Any = None, **options: Any
) -> Any:
    """Return a copy of what FastAPI finds in the signature of `call`, because routes add to its dependencies."""
    scopes = [None if scopes is None else Scopes(scopes) for scopes in (own_oauth_scopes, parent_oauth_scopes)]
    found = shared_dependant(path, call, *scopes, **options)
    return replace(found, dependencies=list(found.dependencies))


class Scopes(list[str]):
    """A list of scopes that a cache can look up; FastAPI only adds such lists to each other."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self))


def share_routes(patch: pytest.MonkeyPatch) -> None:
    """Let all catalogues that this process opens have the same routes."""
    patch.setattr(tiled.server.app, "get_router", shared_router)
    for name in ("get_zarr_router_v2", "get_zarr_router_v3", "get_metrics_router"):
        patch.setattr(tiled.server.app, name, functools.cache(getattr(tiled.server.app, name)))
    # Every application inspects the signatures of its routes, and of all that they depend on, when it is made.
    for module in (fastapi.dependencies.utils, fastapi.routing):
        patch.setattr(module, "get_dependant", dependant_of)
