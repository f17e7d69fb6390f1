"""The documentation site is whole, and what is wrong with it fails its build."""

import shutil
from pathlib import Path

import pytest

pytest.importorskip("zensical")
yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).resolve().parents[2]
SOUND = {
    "index.md": """\
        # Home

        [The other page](other.md#a-formula), [its log](../CHANGELOG.md).

        What to see next: [the other page](other.md).
        """,
    "other.md": r"""
        # The other page

        ## A formula

        Here stands $a^2 + \frac{b}{2}$.

        | op | rule |
        |---|---|
        | `or` | `a \| b` |

        ```python
        >>> print("2\n\n3")
        2
        <BLANKLINE>
        3
        ```

        What to see next: [home](index.md).
        """,
}
# What is added to the home page, and what the build says of it.
FAULTS = {
    "[a page](missing.md)": "links to missing.html, which is not there",
    "[a section](other.md#formula)": "links to other.html#formula, and docs/other.md has"
    " no such anchor",
    "[a section](#missing)": "links to #missing, and docs/index.md has no such anchor",
    "![a picture](images/missing.png)": "links to images/missing.png, which is not there",
    '<iframe src="live/missing.html"></iframe>': "links to live/missing.html, which is not there",
    '<script src="https://example.org/x.js"></script>': "loads https://example.org/x.js, from"
    " elsewhere",
}


def project(folder, pages):
    """Make a project with these pages and this project's way to build a site."""
    docs = folder / "docs"
    shutil.copytree(ROOT / "docs" / "theme", docs / "theme")
    for program in (ROOT / "docs").glob("*.py"):
        shutil.copy(program, docs)
    config = yaml.safe_load((ROOT / "docs" / "mkdocs.yml").read_text(encoding="utf-8"))
    config["nav"] = [{"Start": ["index.md", "other.md"]}, {"More": ["../CHANGELOG.md"]}]
    (docs / "mkdocs.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    (folder / "CHANGELOG.md").write_text("# Changes\n", encoding="utf-8")
    for name, text in pages.items():
        lines = (line.removeprefix(" " * 8) for line in text.splitlines())
        (docs / name).write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def sound(build, tmp_path_factory):
    root = project(tmp_path_factory.mktemp("sound"), SOUND)
    status, text = build(root)
    assert status == 0, text
    return root / "docs" / "out"


@pytest.fixture(scope="module")
def unsound(build, tmp_path_factory):
    """What is printed for a site with all the faults, and two pages that nobody looks after."""
    home = SOUND["index.md"] + "".join(f"\n        {fault}\n" for fault in FAULTS)
    pages = SOUND | {"index.md": home, "lost.md": "# Lost", "other.md": "# Other\n\n## A formula"}
    status, text = build(project(tmp_path_factory.mktemp("unsound"), pages))
    assert status == 1
    return text.splitlines()


def test_a_fault_alone_fails_the_build(build, tmp_path):
    home = SOUND["index.md"] + "\n        [a page](missing.md)\n"
    status, text = build(project(tmp_path, SOUND | {"index.md": home}))
    assert status == 1
    assert text.splitlines()[1:] == ["docs/index.md links to missing.html, which is not there"]


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named(fault, unsound):
    assert unsound.count(f"docs/index.md {FAULTS[fault]}") == 1


def test_a_page_belongs_to_a_group_and_leads_on(unsound):
    assert "docs/lost.md is in no group of docs/mkdocs.yml" in unsound
    assert "docs/other.md has no line “What to see next: …”" in unsound


def test_a_page_of_the_navigation_is_there(build, tmp_path):
    status, text = build(project(tmp_path, {"index.md": SOUND["index.md"]}))
    assert status == 1
    assert text == "docs/mkdocs.yml names other.md, which is not there\n"


def test_pages_read_as_on_github(sound):
    page = (sound / "other.html").read_text(encoding="utf-8")
    assert "<code>a | b</code>" in page
    assert "<math" in page
    assert "arithmatex" not in page
    assert '<span class="go">2</span>' in page  # an output, which is not copied with the code
    assert '<span class="go">3</span>' in page
    assert "BLANKLINE" not in page
    home = (sound / "index.html").read_text(encoding="utf-8")
    assert 'href="other.html#a-formula"' in home
    assert 'href="changelog.html"' in home


def test_the_site_of_this_project(site):
    live = (site / "live" / "spiral.html").read_text(encoding="utf-8")
    assert 'id="live-data"' in live
