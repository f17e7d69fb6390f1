"""The references, docs/core.md, docs/nn.md and docs/ops.md: each public name, and links to it."""

import re
import sys
from pathlib import Path

import pytest

import nn
import tinygrad_np as tg
from tinygrad_np import ops

DOCS = Path(__file__).resolve().parents[2] / "docs"
REFERENCES = ["core.md", "nn.md", "ops.md"]
LINK = re.compile(r"\]\(([^)\s]*)#([^)\s]+)\)")


def headings(page):
    """The text of a page's headings, outside of blocks of code."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.findall(r"^#+ (.+)$", text, re.MULTILINE)


def addresses(page):
    """Where links into a page can lead."""
    return {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings(page)}


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_links_to_headings_lead_somewhere(page):
    lost = []
    for target, address in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in target and address not in addresses(page.parent / (target or page.name)):
            lost.append(f"{target}#{address}")
    assert not lost


@pytest.mark.parametrize("page", REFERENCES)
def test_no_two_headings_have_one_address(page):
    assert len(addresses(DOCS / page)) == len(headings(DOCS / page))


def test_every_public_name_has_a_section():
    core, layers, table = ([h.strip("`") for h in headings(DOCS / r)] for r in REFERENCES)
    assert {*ops.FUNCTIONS_BY_NAME} <= {*table}
    core = [heading.removeprefix("class ") for heading in core]
    assert {f"tg.{name}" for name in tg.__all__ if name not in ops.FUNCTIONS_BY_NAME} <= {*core}
    layers = [heading.removeprefix("class ") for heading in layers]
    for namespace in ("data", "distributions", "init", "nnfs"):
        names = getattr(nn, namespace).__all__
        assert {f"nn.{namespace}.{name}" for name in names} <= {*layers}
    plain = [name for name in nn.__all__ if not hasattr(getattr(nn, name), "__path__")]
    assert {f"nn.{name}" for name in plain} - {"nn.init", "nn.nnfs"} <= {*layers}


@pytest.mark.parametrize("package", [nn, tg])
def test_a_name_in_no_group_fails(package, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, str(DOCS)])
    import core_reference
    import nn_reference

    generate = {nn: nn_reference.nn_reference, tg: core_reference.core_reference}[package]
    monkeypatch.setattr(package, "__all__", [*package.__all__, "unheard_of"])
    with pytest.raises(LookupError, match="unheard_of"):
        generate()


def test_derivatives_stand_below_the_call():
    text = (DOCS / "ops.md").read_text(encoding="utf-8")
    assert "```py\nmultiply(x, y)\n    x: g * y\n    y: g * x\n```" in text
    assert "```py\nargmax(x, axis=None, *, keepdims=False)\n```" in text
