"""What colleagues promise stands on the case, so that whoever comes next keeps it."""

import pytest

from core.promises import promises


@pytest.mark.parametrize(
    ("text", "promised"),
    [
        ("Hello Ann.\nI will call you tomorrow at 9. Best, Eve", ["I will call you tomorrow at 9."]),
        ("Das tut mir leid. Wir werden den Betrag erstatten.", ["Wir werden den Betrag erstatten."]),
        ("Le enviaremos otro producto mañana.", ["Le enviaremos otro producto mañana."]),
        ("Will you send me a picture?", []),
        ("Shall I call you? What will it cost?", []),
        ("Thank you for your patience.", []),
        ("Goodwill matters to us.", []),
    ],
)
def test_promises_are_sentences_that_say_what_will_be_done(text: str, promised: list[str]) -> None:
    assert promises(text) == promised
