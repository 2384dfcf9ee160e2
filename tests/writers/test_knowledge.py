"""The knowledge folder: read into passages, found by the customer's words, named so that an answer can cite them."""

from pathlib import Path

import pytest

from core.errors import Misconfigured
from core.knowledge import PASSAGE, Knowledge


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "returns.md").write_text(
        "# Returns\n\nYou may return anything within 30 days.\n\n"
        "## Refund times\n\nA refund takes 3 to 5 business days.\n"
    )
    (tmp_path / "kettles").mkdir()
    (tmp_path / "kettles" / "descaling.md").write_text(
        "# Descaling a kettle\n\nFill the kettle with vinegar and water, wait an hour, rinse twice.\n"
    )
    (tmp_path / "opening-hours.md").write_text("We are here from nine to five.")
    (tmp_path / "notes.txt").write_text("A refund is none of your business.")
    return tmp_path


def test_a_question_finds_the_passage_that_answers_it(folder: Path) -> None:
    found = Knowledge(folder).find("How long do refunds take?")
    assert found[0].title == "Refund times"
    assert found[0].text == "A refund takes 3 to 5 business days."
    assert found[0].source == "returns.md"


def test_folders_below_are_read_and_endings_do_not_matter(folder: Path) -> None:
    found = Knowledge(folder).find("descale kettles")
    assert [a.source for a in found] == ["kettles/descaling.md"]


def test_a_page_without_a_heading_is_named_by_its_file(folder: Path) -> None:
    assert Knowledge(folder).find("from nine to five")[0].title == "Opening hours"


def test_nothing_in_common_finds_nothing(folder: Path) -> None:
    assert Knowledge(folder).find("Do you sell umbrellas?") == []
    assert Knowledge(folder).find("") == []


def test_accents_do_not_matter_and_rare_words_weigh_more(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Envío\n\nEl envío tarda tres días con la tarjeta.")
    (tmp_path / "b.md").write_text("# Pago\n\nEl pago con la tarjeta.")
    (tmp_path / "c.md").write_text("# Tarjeta\n\nLa tarjeta.")
    assert Knowledge(tmp_path).find("envio tarjeta")[0].title == "Envío"


def test_long_pages_are_cut_into_passages_and_the_best_one_is_found(tmp_path: Path) -> None:
    filler = "\n\n".join(f"Paragraph {n} speaks of nothing much, at some length." for n in range(200))
    (tmp_path / "long.md").write_text(f"# Long\n\n{filler}\n\nThe zeppelin leaves at noon.")
    found = Knowledge(tmp_path).find("zeppelin", limit=1)
    assert "zeppelin" in found[0].text
    assert len(found[0].text) <= PASSAGE


def test_the_order_is_the_same_every_time(folder: Path) -> None:
    assert Knowledge(folder).find("refund return kettle") == Knowledge(folder).find("refund return kettle")


def test_an_empty_folder_knows_nothing(tmp_path: Path) -> None:
    assert Knowledge(tmp_path).find("refund") == []


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"KNOWLEDGE_DIR: .*nowhere"):
        Knowledge(tmp_path / "nowhere")


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "odd.md").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(Misconfigured, match=r"odd\.md"):
        Knowledge(tmp_path)
