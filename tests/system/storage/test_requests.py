"""If these fail, each request to the embedded catalogue takes twice the time, or anybody's key opens it."""

from __future__ import annotations

from pathlib import Path

import fastapi.dependencies.utils
import pytest

from storage.catalogue import open_catalogue
from storage.embedded_server import _KEY


def test_a_request_inspects_no_signatures_and_needs_the_key(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: half of the speed of all reading and writing, unnoticed, with another version of FastAPI or Tiled."""
    inspected = []
    with open_catalogue(root) as catalogue:
        catalogue.client.create_container("run", metadata={"number": 1})
        found = fastapi.dependencies.utils.get_dependant
        monkeypatch.setattr(
            fastapi.dependencies.utils, "get_dependant", lambda **named: inspected.append(named) or found(**named)
        )
        assert catalogue.connect()["run"].metadata["number"] == 1
        http = catalogue.client.context.http_client
        address = catalogue.client["run"].uri
        refused = http.get(address, headers={"Authorization": "Apikey another"})
        assert not refused.is_success
        assert http.get(address, headers={"Authorization": f"Apikey {_KEY}"}).is_success
    assert not inspected
