"""Mail: words that a user replaced, and the URLs of mail servers."""

from pathlib import Path

import pytest

from pellucid.auth.mail.sender import Smtp, smtp
from pellucid.auth.mail.templates import Draft, Mail, Templates
from pellucid.errors import StartupError


def test_words_are_replaced_and_values_escaped_in_html(tmp_path: Path) -> None:
    (tmp_path / "verify.txt").write_text("Subject: Welcome to $site\n\n$link $unknown\n")
    (tmp_path / "verify.html").write_text("<p>$email</p>")
    draft = Draft("ada@example.com", "verify", {"site": "A\r\nBcc: b@example.com", "link": "L", "email": "<b>"})
    mail = Templates(tmp_path).render(draft, "x@example.org")
    assert mail.subject == "Welcome to A Bcc: b@example.com"
    assert mail.body == "L $unknown\n"
    assert mail.html == "<p>&lt;b&gt;</p>"
    assert mail.message()["Bcc"] is None


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="not there"):
        Templates(tmp_path / "missing")


def test_the_url_of_a_mail_server() -> None:
    assert smtp("smtps://u%40x:p%2F@mail.example.com") == Smtp(
        "mail.example.com", 465, "u@x", "p/", tls=True, starttls=False
    )
    assert smtp("smtp+starttls://mail.example.com").starttls is True
    assert "p/" not in repr(smtp("smtps://u:p%2F@mail.example.com"))
    assert "secret" not in repr(Mail("a@b", "c@d", "subject", "secret"))


@pytest.mark.parametrize("url", ["", "mail.example.com", "http://mail.example.com", "smtp://", "smtp://h:port"])
def test_a_url_that_is_none_is_told(url: str) -> None:
    with pytest.raises(StartupError, match="mail server"):
        smtp(url)
