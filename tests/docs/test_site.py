"""What the site generates says what the code says, and its links lead somewhere."""

import re
import subprocess
import sys
from dataclasses import fields
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import prunus_model
from prunus_docs.api import PAGES, api_page, own_names
from prunus_docs.figures import FIGURES, write_figures
from prunus_docs.formats import core_file_table, network_file_table, results_files_table
from prunus_docs.kinds import kinds
from prunus_docs.links import Place, Places, headings, wrong_links
from prunus_docs.reference import check_commands, configuration_table, registers_table
from prunus_docs.schemas import SCHEMAS
from prunus_model.common.errors import PrunusError
from prunus_model.spec.config import NetworkConfig
from prunus_readmes import ROOT, documents
from prunus_rtl.bus.registers import REGISTERS
from prunus_rtl.link.protocol.description import CoreDescription

pytestmark = pytest.mark.skipif(not (ROOT / "README.md").exists(), reason="needs the checkout")


def test_every_field_of_every_register_has_a_row() -> None:
    rows = registers_table().splitlines()[2:]
    names = [f"`{r.name}.{f.name}`" for r in REGISTERS for f in r.fields]
    assert [row.split(" | ")[1] for row in rows] == names
    (start,) = [row for row in rows if "`CONTROL.start`" in row]
    assert start.startswith("| 0x0040 | `CONTROL.start` | 0:0 | w1s | 0x0 |")


def test_tables_of_text_are_aligned_to_the_left() -> None:
    for text in (registers_table(), configuration_table()):
        assert set(text.splitlines()[1].strip("| ").split(" | ")) == {"---"}


def test_every_key_of_a_configuration_has_its_range_and_default() -> None:
    rows = dict(row.strip("| ").split(" | ", 1) for row in configuration_table().splitlines()[2:])
    assert rows["`membrane.leak_shift`"] == "integer, 0..23 | `6`"
    assert rows["`pruning (adaptive).strength_gain`"] == "integer, 0..65535 | `330`"
    assert rows["`groups`"] == "table, or left out | left out"
    assert {"`encoder.contrast`", "`encoder.events`", "`feedforward`"} <= rows.keys()
    assert "`encoder`" not in rows
    assert {key.strip("`").split(".")[0].split(" ")[0] for key in rows} == set(
        NetworkConfig.__dataclass_fields__
    )


def test_page_of_commands_has_every_command() -> None:
    check_commands()
    lost = EntryPoint("dye", "no_such_module.cli:dye [boards]", "prunus.commands")
    with pytest.raises(
        PrunusError, match=r"no_such_module .* page of `prunus dye`.*prunus\[boards\]"
    ):
        check_commands([lost])
    other = EntryPoint("dye", "prunus_model.cli.train:command", "prunus.commands")
    with pytest.raises(PrunusError, match="`prunus dye` must be among those that are listed"):
        check_commands([other])


@pytest.mark.parametrize("document", documents())
def test_links_of_a_document_lead_somewhere(document: str) -> None:
    assert wrong_links(ROOT / document, Places(ROOT / "docs/site")) == []


def test_headings_become_anchors_as_on_github() -> None:
    text = "# A `b_c`, d!\n\n## E\n\n## E\n\n```text\n# no heading\n```\n\n### 4.1 F-g\n"
    assert headings(text) == ["a-b_c-d", "e", "e-1", "41-f-g"]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    write(tmp_path / "code.py", "")
    write(tmp_path / "a/README.md", "# A\n\n## In\n\n[b](../b.md#b)\n\n## Out\n\n## Last\n")
    write(tmp_path / "b.md", "# B\n")
    part = (
        '# P\n\n:::{include} ../../a/README.md\n:start-after: "# A"\n:end-before: "## Out"\n:::\n'
    )
    write(tmp_path / "site/how/p.md", part)
    write(tmp_path / "site/how/q.md", ":::{include} ../../b.md\n:::\n")
    write(tmp_path / "site/r.rst", "")
    return tmp_path.resolve()


@pytest.mark.parametrize(
    ("source", "link", "page", "file", "anchor"),
    [
        # What a page includes is on that page; the heading that is left out is the page's own.
        ("b.md", "a/README.md#in", "how/p", "a/README.md", "in"),
        ("b.md", "a/README.md#a", "how/p", "a/README.md", ""),
        ("a/README.md", "#in", "how/p", "a/README.md", "in"),
        ("a/README.md", "../b.md", "how/q", "b.md", ""),
        ("a/README.md", "../b.md#b", "how/q", "b.md", "b"),
        # Anything else is a file.
        ("b.md", "a/README.md#out", "", "a/README.md", "out"),
        ("b.md", "a/README.md", "", "a/README.md", ""),
        ("b.md", "a", "", "a/README.md", ""),
        ("a/README.md", "../code.py", "", "code.py", ""),
        # Pages, from pages and from documents.
        ("b.md", "site/how/p.md#in", "how/p", "site/how/p.md", "in"),
        ("site/how/q.md", "p.md#p", "how/p", "site/how/p.md", "p"),
        ("site/how/q.md", "../r.rst", "r", "site/r.rst", ""),
    ],
)
def test_link_leads_to_the_page_that_has_the_place_else_to_the_file(
    checkout: Path, source: str, link: str, page: str, file: str, anchor: str
) -> None:
    found = Places(checkout / "site").find(checkout / source, link)
    assert found == Place(page, checkout / file, anchor)


@pytest.mark.parametrize(
    ("source", "link"),
    [
        ("b.md", "a/README.md#none"),
        ("b.md", "c.md"),
        ("b.md", "#none"),
        ("b.md", "site"),
        ("site/how/q.md", "p.md#out"),
        ("site/how/q.md", "a/README.md"),
    ],
)
def test_link_to_nothing_is_found(checkout: Path, source: str, link: str) -> None:
    assert Places(checkout / "site").find(checkout / source, link) is None
    path = checkout / source
    path.write_text(f"{path.read_text()}\n| a |\n| --- |\n| [x]({link}) [y](https://z) |\n")
    assert wrong_links(path, Places(checkout / "site")) == [link]


def test_figures_are_the_same_at_each_build_and_all_on_the_page(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_figures(tmp_path / name)
    page = (ROOT / "docs/site/explanation/semantics.md").read_text("utf-8")
    assert re.findall(r"generated/figures/(.*?)\.svg", page) == list(FIGURES)
    for name in FIGURES:
        first, second = ((tmp_path / at / f"{name}.svg").read_bytes() for at in ("a", "b"))
        assert first == second


def test_pages_of_the_programming_interface_have_every_public_name() -> None:
    modules = [module for page in PAGES.values() for module in page.modules]
    assert len(modules) == len(set(modules))
    for module in modules:
        assert own_names(module) != []
    pages = "".join(api_page(page) for page in PAGES.values())
    # What `from prunus_model import ...` gives is in one of them, where it is defined.
    for name in prunus_model.__all__:
        there = getattr(prunus_model, name)
        assert own_names(there.__module__).count(there.__name__) == 1, name
        assert f".. automodule:: {there.__module__}\n" in pages, name


def test_every_kind_of_file_is_in_the_tables_of_formats() -> None:
    network, core, results = network_file_table(), core_file_table(), results_files_table()
    assert "| `weights.npy` | uint8 | inputs x neurons |" in network
    assert "| `history_presentations.npy` | int64 | records |" in network
    assert "`content_hash`" in network
    assert [row.split("`")[1] for row in core.splitlines()[2:]] == [
        field.name for field in fields(CoreDescription)
    ]
    rows = {row.split(" | ")[0].strip("| "): row for row in results.splitlines()[2:]}
    assert rows.keys() == SCHEMAS.keys() == kinds().keys()
    assert "`runs[].vote` (number)" in rows["mnist"]
    assert "provenance" not in results


def test_pages_are_of_four_kinds_and_say_in_their_first_lines_what_for() -> None:
    site = ROOT / "docs/site"
    folders = {path.parent.name for path in site.glob("*/*.md")}
    assert folders == {"tutorials", "how-to", "reference", "explanation"}
    for folder in folders:
        index = (site / folder / "index.md").read_text("utf-8")
        for page in site.glob(f"{folder}/*.md"):
            text = page.read_text("utf-8")
            if whole := re.fullmatch(r":::\{include\} (\S+)\n:::\n", text):
                text = (page.parent / whole[1]).read_text("utf-8")
            # A title, and a sentence of its own before anything else.
            assert re.match(r"# .+\n\n(?:\*\*)?[A-Z`][^\n]{30,}", text), page
            assert page.stem == "index" or f"\n{page.stem}\n" in index, page


@pytest.mark.tools
def test_links_of_included_parts_lead_to_pages_and_files_and_equations_are_mathml(
    checkout: Path,
) -> None:
    site = checkout / "site"
    write(
        site / "conf.py",
        'extensions = ["myst_parser", "prunus_docs.site"]\nroot_doc = "how/p"\n'
        'myst_enable_extensions = ["colon_fence", "dollarmath"]\nmyst_heading_anchors = 4\n'
        'html_math_renderer = "mathml"\nsuppress_warnings = ["toc.not_included", "myst.header"]\n',
    )
    part = checkout / "a/README.md"
    part.write_text(part.read_text().replace("[b]", "[in](#in) [out](#out) [c](../code.py) [b]"))
    page = site / "how/p.md"
    page.write_text(page.read_text() + "\n$a_b$\n\n$$\nc\n$$\n")
    build = [sys.executable, "-m", "sphinx", "-q", "-E", "-W", "--keep-going", str(site)]
    done = subprocess.run(
        [*build, str(checkout / "html")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    html = (checkout / "html/how/p.html").read_text("utf-8")
    assert re.search(r'href="q.html#b"[^>]*><span[^>]*>b<', html)
    assert 'href="#in"' in html
    # None has lost its words.
    assert re.search(r'href="#in"[^>]*><span[^>]*>in<', html)
    assert not re.search(r"<a [^>]*>(<\w+[^>]*>)*(</\w+>)*</a>", html)
    assert re.search(r'href="../_downloads/\w+/README.md"', html)
    assert re.search(r'href="../_downloads/\w+/code.py"', html)
    assert (html.count("<math "), html.count('display="block"')) == (2, 1)
    assert "<script" not in html.partition('class="math"')[2].partition("</div>")[0]
    part.write_text(part.read_text().replace("#out", "#none"))
    done = subprocess.run(
        [*build, str(checkout / "html")], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "Link #none leads nowhere" in done.stderr
