"""A mail provider opts a person out with one click, and link scanners do not."""

from e2e.readme import block
from e2e.service import Service, Site, eventually
from mail_provider import click, one_click_url, scan
from mail_server import Mail, MailServer, a_mail_server

PUBLIC_URL = "https://leads.example.com"
PAGE = "docs/opting-out.md"


def configure(site: Site, server: MailServer) -> None:
    """Send e-mail to the server."""
    site.write(
        "leads.toml",
        f"""
        default_channel = "email"
        [channels.email]
        adapter = "smtp"
        url = "smtp://localhost:{server.port}"
        sender = "Sales <sales@example.com>"
        """,
    )


def send_message(service: Service, server: MailServer, name: str) -> tuple[str, Mail]:
    """Create a lead, send a message to it, and return its path and the message."""
    known = len(server.accepted)
    lead = service.post("/leads", {"name": name, "email": f"{name}@example.com", "owner": "mia@example.com"})
    path = lead.expect(201).headers["location"]
    service.post(f"{path}/follow-up", {"message": "Shall we talk?"}).expect(202)
    eventually(lambda: len(server.accepted) > known)
    return path, server.accepted[known]


def test_a_mail_provider_opts_out_a_person_with_one_click(site: Site) -> None:
    with a_mail_server(auth_require_tls=False) as server:
        configure(site, server)
        with site.serve(LEADS_PUBLIC_URL=PUBLIC_URL) as service:
            for name, multipart in (("jane", False), ("joe", True)):
                path, mail = send_message(service, server, name)
                link = one_click_url(mail.message).replace(PUBLIC_URL, service.url)
                assert [response.status_code for response in scan(mail.text, PUBLIC_URL, service.url)] == [200, 200]
                assert service.get(path).json["do_not_contact"] is False
                done = click(link, multipart=multipart)
                assert (done.status_code, done.headers.get("set-cookie")) == (200, None)
                assert service.get(path).json["do_not_contact"] is True
                service.post(f"{path}/follow-up", {"message": "Hello?"}).expect(409)
            service.post(f"{path}/follow-up", {"recipient": "owner"}).expect(202)
            eventually(lambda: len(server.accepted) == 3)

            tested = site.shell(block("$LINK", PAGE).partition("\n")[2], LINK=link).expect(0)
            assert tested.out.count("HTTP/1.1 200 OK") == 2
    to_colleague = server.accepted[2].message
    assert to_colleague["To"] == "mia@example.com"
    assert "List-Unsubscribe" not in to_colleague
    assert link.rpartition("/")[2] not in service.out + service.err
