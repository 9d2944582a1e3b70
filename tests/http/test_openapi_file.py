"""Test that `docs/openapi.json` is the document of a service with the default settings.

`make openapi` writes the file.
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


def test_the_file_is_up_to_date(tmp_path: Path) -> None:
    settings = Settings(database_url=URL.create("sqlite", database=str(sqlite_file(tmp_path))))
    container = Container(settings=settings)
    published = json.loads(container.openapi().json(container.api()))
    text = json.dumps(published, indent=2, ensure_ascii=False) + "\n"
    if "OPENAPI_WRITE" in os.environ:
        FILE.write_text(text, "utf-8")
    assert FILE.read_text("utf-8") == text, "Run `make openapi` and check the differences."


def test_the_file_is_valid_openapi() -> None:
    assert list(OpenAPIV31SpecValidator(json.loads(FILE.read_text("utf-8"))).iter_errors()) == []
