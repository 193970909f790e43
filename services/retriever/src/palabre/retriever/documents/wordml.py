"""What mammoth does not see in Word's XML: that text is hidden, and what a formula says."""

import io
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import tostring
from zipfile import ZipFile

from palabre.retriever.documents.packages import Package

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_PARTS = ("word/document.xml", "word/footnotes.xml", "word/endnotes.xml")
_FORMULAS = (f"{_M}oMath", f"{_M}oMathPara")
_SIGNS = {f"{_M}f": "/", f"{_M}sSup": "^", f"{_M}sSub": "_"}
_NO = ("0", "false", "off")
_MAX_DEPTH = 100


def rewritten(data: bytes, package: Package) -> tuple[bytes, bool]:
    """The file without hidden text and with formulas as text; whether any text was hidden.

    Raises InvalidDocument.
    """
    new, hidden = {}, 0
    for part in package.names & set(_PARTS):
        xml = package.read(part)
        if b"vanish" in xml or b"oMath" in xml:
            root = package.xml(part)
            hidden += _drop_hidden(root)
            _spell_formulas(root)
            new[part] = tostring(root)
    return (_packed(package, new) if new else data), bool(hidden)


def _packed(package: Package, new: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with ZipFile(out, "w") as archive:
        for name in sorted(package.names):
            archive.writestr(name, new[name] if name in new else package.read(name))
    return out.getvalue()


def _drop_hidden(root: Any) -> int:
    """How many runs were hidden."""
    hidden = [(parent, run) for parent in root.iter() for run in parent if _is_hidden(run)]
    for parent, run in hidden:
        parent.remove(run)
    return len(hidden)


def _is_hidden(run: Any) -> bool:
    said = run.find(f"{_W}rPr/{_W}vanish") if run.tag == f"{_W}r" else None
    return said is not None and said.get(f"{_W}val") not in _NO


def _spell_formulas(root: Any) -> None:
    for parent in list(root.iter()):
        for place, child in enumerate(list(parent)):
            if child.tag in _FORMULAS:
                run = child.makeelement(f"{_W}r", {})
                text = child.makeelement(f"{_W}t", {})
                text.text = "".join(_spelled(child, 0))
                run.append(text)
                parent[place] = run


def _spelled(node: Any, depth: int) -> Iterator[str]:
    """On one line: `a/b`, `x^2`, `(a+b)/2`."""
    if node.tag == f"{_M}t":
        yield node.text or ""
    if depth < _MAX_DEPTH:
        parts = ["".join(_spelled(child, depth + 1)) for child in node]
        if sign := _SIGNS.get(node.tag):
            yield sign.join(p if p.isalnum() else f"({p})" for p in parts if p)
        else:
            yield from parts
