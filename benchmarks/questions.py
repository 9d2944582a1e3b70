"""What is asked of the service, and what each answer is held against."""

from benchmarks import constants
from benchmarks.comparison import Comparison
from benchmarks.dataset import Dataset
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
