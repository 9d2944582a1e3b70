"""`docs/openapi.json` is the document that a service with the default settings publishes: for who reads, or generates.

`make openapi` writes it anew.
"""

import json
import os
from pathlib import Path

from openapi_spec_validator import OpenAPIV31SpecValidator
from sqlalchemy import URL

from databases import sqlite_file
from leads_app.container import Container
from leads_app.settings import Settings

FILE = Path(__file__).parents[2] / "docs" / "openapi.json"


def test_the_file_is_what_the_service_publishes(tmp_path: Path) -> None:
    settings = Settings(database_url=URL.create("sqlite", database=str(sqlite_file(tmp_path))))
    container = Container(settings=settings)
    published = json.loads(container.openapi().json(container.api()))
    text = json.dumps(published, indent=2, ensure_ascii=False) + "\n"
    if "OPENAPI_WRITE" in os.environ:
        FILE.write_text(text, "utf-8")
    assert FILE.read_text("utf-8") == text, "Say `make openapi`, and look at what has changed."


def test_the_file_is_sound() -> None:
    assert list(OpenAPIV31SpecValidator(json.loads(FILE.read_text("utf-8"))).iter_errors()) == []
