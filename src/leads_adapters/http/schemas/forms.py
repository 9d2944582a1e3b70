"""Describe the bodies of public forms."""

from typing import Annotated

from msgspec import Meta

FormName = Annotated[
    str, Meta(description="The name of the form in the settings of the service.", examples=["contact"])
]
