"""The documents keep up with the code: commands exist, links lead somewhere, and every dependency has its reason."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bots.__main__ import main

CHECKOUT = Path(__file__).parents[1]
PAGES = [CHECKOUT / "README.md", CHECKOUT / "CHANGELOG.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]


def names(page: Path) -> str:
    return str(page.relative_to(CHECKOUT))


def links(page: Path) -> Iterator[str]:
    """The links of a page that stay within the project."""
    text = re.sub(r"(?ms)^```.*?^```$", "", page.read_text(encoding="utf-8"))
    return (link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link)


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{names(page)}: {link}"
        assert not anchor or anchor in anchors(target), f"{names(page)}: {link}"


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_make_commands_exist(page: Path) -> None:
    targets = set(re.findall(r"(?m)^([a-z]+):", (CHECKOUT / "Makefile").read_text()))
    text = page.read_text(encoding="utf-8")
    said = set(re.findall(r"(?m)(?:`|^)make ([a-z]+)", text))
    assert said <= targets


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_bot_commands_exist(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in re.findall(r"python -m bots ([a-z]+(?: (?:import|rebuild))?)", page.read_text(encoding="utf-8")):
        with pytest.raises(SystemExit) as ended:
            main([*command.split(), "--help"])
        assert ended.value.code == 0, capsys.readouterr().err


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_settings_exist(page: Path) -> None:
    known = set(re.findall(r"(?m)^#([A-Z_]+)=", (CHECKOUT / ".env.example").read_text(encoding="utf-8")))
    own_example = {"PAGER_SECRET", "PAGER_URL"}
    said = set(re.findall(r"`([A-Z]+_[A-Z_]+)(?:=[^`]*|:[^`]*|/[^`]*)?`", page.read_text(encoding="utf-8")))
    assert said <= known | own_example


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    page = (CHECKOUT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    given = re.findall(r"(?m)^\| ([a-z][\w.\[\]-]+) \| \S", page)
    assert sorted(name for name in given if name != "package") == sorted(re.split(r"[=<>]", name)[0] for name in wanted)
