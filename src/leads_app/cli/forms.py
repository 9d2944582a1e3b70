"""The command `leads forms`."""

from collections.abc import Iterator

import rich_click as click

from leads_app.cli import session
from leads_app.cli.session import CommandFailed
from leads_app.cli.terminal import print_line, print_lines
from leads_app.form_settings import GOOGLE_ADS, FormSettings
from leads_app.form_snippet import snippet as form_snippet
from leads_app.setting_values import parse_public_url


@click.group(invoke_without_command=True)
@click.pass_context
def forms(context: click.Context) -> None:
    """List the public forms, or print the HTML of a form."""
    if context.invoked_subcommand is None:
        configured = session.settings().forms
        for name, form in configured.items():
            print_line(f"{name}: POST /forms/{name}, {', '.join(_properties(form))}")
        if not configured:
            print_line("There are no forms. Add a table [forms.NAME] to leads.toml.")


def _properties(form: FormSettings) -> Iterator[str]:
    if form.key is not None:
        yield f"kind {GOOGLE_ADS}"
    if form.source is not None:
        yield f"source {form.source}"
    if form.owner is not None:
        yield f"owner {form.owner}"
    if form.key is None:
        yield f"pages of {' and '.join(form.origins)}" if form.origins else "pages of all origins"
    if form.redirect is not None:
        yield f"redirect to {form.redirect}"
    limit = form.rate_limit
    yield f"at most {limit.requests} requests in {limit.seconds} s" if limit else "no rate limit"


@forms.command()
@click.argument("name")
@click.option("--url", help="The public URL of this service. The default is the setting public_url.")
def snippet(name: str, url: str | None) -> None:
    """Print the HTML of the form NAME, to paste into a website."""
    settings = session.settings()
    public_url, configured = _public_url(url, settings.public_url), settings.forms
    if name not in configured:
        known = f"Use one of: {', '.join(configured)}." if configured else "Add a table [forms.NAME] to leads.toml."
        raise CommandFailed(f"Unknown form {name!r}. {known}")
    if configured[name].key is not None:
        address = f"{public_url}/forms/{name}"
        raise CommandFailed(f"The form {name} takes the webhook of Google Ads. Enter {address} and the key there.")
    print_lines(form_snippet(name, configured[name], public_url))


def _public_url(option: str | None, setting: str | None) -> str:
    try:
        url = setting if option is None else parse_public_url(option)
    except ValueError as error:
        raise click.UsageError(f"--url is {option!r}. {error}") from None
    if url is None:
        raise click.UsageError("The public URL of this service is unknown. Give --url, or set LEADS_PUBLIC_URL.")
    return url
