import pytest

from tests.docs.blocks import Commands, File, read
from tests.docs.likeness import alike


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ('{"id": 1,\n "made": "2026-01-02T03:04:05+00:00"}', '{"id":1,"made":"2027-11-12T13:14:15.123456+00:00"}'),
        ('{"token": "…"}', '{"token": "abc"}'),
        ("PostgreSQL …\nAPI  http://x", "PostgreSQL 18.1 in 1.2 s\nAPI  http://x"),
        ("019cafe0-0000-7000-8000-000000000000", "018f9f5e-1111-7abc-9def-0123456789ab"),
    ],
)
def test_what_changes_from_run_to_run_is_alike(shown: str, printed: str) -> None:
    assert alike(shown, printed)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ('{"id": 1}', '{"id": 2}'),
        ('{"id": 1}', '{"id": 1, "more": 2}'),
        ("[1, 2]", "[1]"),
        ("HTTP/1.1 201 Created", "HTTP/1.1 200 OK"),
    ],
)
def test_what_says_something_else_is_not(shown: str, printed: str) -> None:
    assert not alike(shown, printed)


def test_blocks_are_read_with_their_outputs(tmp_path_factory: pytest.TempPathFactory) -> None:
    page = tmp_path_factory.mktemp("page") / "page.md"
    page.write_text(
        "# Page\n```python\n# app.py\nx = 1\n```\nThen:\n```bash\ncurl a\n```\n\n```json\n{}\n```\n"
        "```bash\npellucid serve app.py\n```\ntext\n```text\nnot an output\n```\n"
    )
    steps = read(page)
    assert steps == [
        File("app.py", "# app.py\nx = 1\n"),
        Commands("curl a\n", 7, "{}\n"),
        Commands("pellucid serve app.py\n", 14),
    ]
    assert [step.serves for step in steps if isinstance(step, Commands)] == [None, "pellucid serve app.py"]
