"""What is asked of the service, and what each answer is held against."""

import httpx

from benchmarks import constants
from benchmarks.comparison import Comparison
from benchmarks.dataset import Dataset
from benchmarks.failure import Failed
from benchmarks.wrk import Load

SERVICE, CONSTANT, BARE = "service", "constant handler", "bare ASGI function"
CREATE = "create"


def questions(url: str, bare_url: str, dataset: Dataset) -> list[Comparison]:
    """One lead, a page of 50, and a new lead, in the order in which they are asked."""
    bare = Load(f"{bare_url}/")
    read = Load(f"{url}/leads", "read.lua", (str(dataset.ids),))
    page = Load(f"{url}/leads?limit=50")
    create = Load(f"{url}/leads", "create.lua")
    return [
        Comparison("read", {SERVICE: read, CONSTANT: Load(url + constants.LEAD), BARE: bare}),
        Comparison("page of 50", {SERVICE: page, CONSTANT: Load(url + constants.PAGE), BARE: bare}),
        Comparison(CREATE, {SERVICE: create, CONSTANT: Load(url + constants.CREATE, "create.lua")}),
    ]


def check_constants(url: str, dataset: Dataset) -> None:
    """Raises `Failed` unless the constant handlers answer what the service answers, byte for byte."""
    with httpx.Client(base_url=url, headers=dataset.headers) as client:
        page = client.get("/leads?limit=50").raise_for_status()
        lead = client.get(f"/leads/{page.json()['items'][0]['id']}").raise_for_status()
        for path, answer in ((constants.PAGE, page), (constants.LEAD, lead)):
            if client.get(path).content != answer.content:
                raise Failed(f"{path} does not answer the bytes of {answer.url}.")
