"""Test the HTML of forms to paste into a website."""

from html.parser import HTMLParser

from leads_app.form_settings import FormSettings, parse_forms
from leads_app.form_snippet import snippet

URL = "https://leads.example.com"


class Page(HTMLParser):
    """The elements of a page with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect an element."""
        self.elements.append((tag, dict(attrs)))

    def of(self, *tags: str) -> list[dict[str, str | None]]:
        """Return the attributes of the elements with these tags."""
        return [attributes for tag, attributes in self.elements if tag in tags]


def page_of(**table: object) -> Page:
    form: FormSettings = parse_forms({"contact": table})["contact"]
    return Page(snippet("contact", form, URL))


def test_a_form_posts_to_the_service() -> None:
    [form] = page_of().of("form")
    assert (form["action"], form["method"], form["lang"]) == (f"{URL}/forms/contact", "post", "en")


def test_every_field_has_a_label_and_people_know_what_is_required() -> None:
    page = page_of(honeypot="website")
    fields = page.of("input", "textarea")
    assert [field["id"] for field in fields] == [label["for"] for label in page.of("label")]
    assert [field["name"] for field in fields if "required" in field] == ["name", "email", "message"]
    assert [field.get("autocomplete") for field in fields] == ["name", "email", "tel", None, "off"]


def test_fields_have_the_names_of_the_settings() -> None:
    fields = {"your-name": "name", "mail": "email", "mail2": "email", 'a"<b': "message"}
    assert [each["name"] for each in page_of(fields=fields).of("input", "textarea")] == [
        "your-name",
        "mail",
        "phone",
        'a"<b',
    ]


def test_people_neither_see_nor_reach_the_honeypot() -> None:
    assert "tabindex" not in str(page_of().elements)
    page = page_of(honeypot="website")
    [honeypot] = [field for field in page.of("input") if field["name"] == "website"]
    assert honeypot["tabindex"] == "-1"
    assert [paragraph for paragraph in page.of("p") if "hidden" in paragraph]


def test_only_a_form_with_a_minimum_time_has_a_script() -> None:
    assert page_of().of("script") == []
    page = page_of(minimum_seconds=3)
    assert page.of("script") == [{}]
    assert [field["name"] for field in page.of("input") if field.get("type") == "hidden"] == ["leads_seconds"]


def test_a_form_loads_nothing() -> None:
    page = page_of(honeypot="website", minimum_seconds=3)
    assert not [attributes for _, attributes in page.elements if {"src", "href", "style"} & attributes.keys()]
