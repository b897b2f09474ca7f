"""Documents as programs write them, built of bytes: a PDF object by object, a Word document part by part."""

import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO

from pypdf import PdfReader, PdfWriter

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_FONT = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica {more} >>"


def pdf(
    *pages: str, outline: Sequence[tuple[str, int]] = (), info: Mapping[str, str] | None = None, glyphs: str = ""
) -> bytes:
    """Each page's lines as they stand; `glyphs` are the letters that a, b, c ... are drawn for."""
    drawn = [_drawn(page) for page in pages]
    return pdf_of(drawn, outline=outline, info=info or {}, glyphs=glyphs)


def pdf_of(
    streams: Sequence[str],
    *,
    outline: Sequence[tuple[str, int]] = (),
    info: Mapping[str, str] | None = None,
    glyphs: str = "",
    resources: str = "",
    more: Sequence[str] = (),
) -> bytes:
    """Pages of these content streams; `more` are objects from number 4 on that `resources` may name."""
    first = 4 + len(more)
    font = _FONT.format(more=f"/ToUnicode {first} 0 R" if glyphs else "")
    table = [_stream(_letters_of(glyphs))] if glyphs else []
    start = first + len(table)
    kids = " ".join(f"{start + 2 * number} 0 R" for number in range(len(streams)))
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {f'/Outlines {start + 2 * len(streams)} 0 R' if outline else ''} >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(streams)} >>",
        font,
        *more,
        *table,
    ]
    for number, stream in enumerate(streams):
        page = f"/Contents {start + 2 * number + 1} 0 R /Resources << /Font << /F 3 0 R >> {resources} >>"
        objects += [f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] {page} >>", _stream(stream)]
    objects += _outline(outline, start, start + 2 * len(streams))
    return _filed(objects, info or {})


def locked(raw: bytes, *, user: str, owner: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(BytesIO(raw)))
    writer.encrypt(user_password=user, owner_password=owner, algorithm="AES-256")
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def _drawn(page: str) -> str:
    lines = [line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)") for line in page.split("\n")]
    return "BT /F 12 Tf 14 TL 50 750 Td " + " ".join(f"({line}) Tj T*" for line in lines) + " ET"


def _stream(content: str) -> str:
    return f"<< /Length {len(content)} >>\nstream\n{content}\nendstream"


def _letters_of(glyphs: str) -> str:
    pairs = "\n".join(f"<{97 + place:02x}> <{ord(glyph):04x}>" for place, glyph in enumerate(glyphs))
    return f"begincmap\n1 begincodespacerange <00> <ff> endcodespacerange\n{len(glyphs)} beginbfchar\n{pairs}\nendbfchar\nendcmap"


def _outline(outline: Sequence[tuple[str, int]], start: int, root: int) -> list[str]:
    if not outline:
        return []
    last = root + len(outline)
    entries = [f"<< /Type /Outlines /First {root + 1} 0 R /Last {last} 0 R /Count {len(outline)} >>"]
    for place, (title, page) in enumerate(outline, root + 1):
        follows = f"/Next {place + 1} 0 R" if place < last else ""
        entries.append(f"<< /Title ({title}) /Parent {root} 0 R {follows} /Dest [{start + 2 * page} 0 R /Fit] >>")
    return entries


def _filed(objects: Sequence[str], info: Mapping[str, str]) -> bytes:
    said = "".join(f"/{name} ({text})" for name, text in info.items())
    out = b"%PDF-1.4\n"
    places = []
    for number, one in enumerate([*objects, f"<< {said} >>"], 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{one}\nendobj\n".encode("latin-1")
    rows = "".join(f"{place:010d} 00000 n \n" for place in places)
    table = f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n{rows}"
    trailer = (
        f"trailer\n<< /Size {len(places) + 1} /Root 1 0 R /Info {len(places)} 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
    )
    return out + (table + trailer).encode()


def zipped(parts: Mapping[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def docx(
    body: str, *, styles: str = "", numbering: str = "", core: str = "", more: Mapping[str, bytes] | None = None
) -> bytes:
    parts: dict[str, bytes | str] = {
        "[Content_Types].xml": "<Types/>",
        "word/document.xml": f'<w:document xmlns:w="{WORD}"><w:body>{body}<w:sectPr/></w:body></w:document>',
        "word/styles.xml": f'<w:styles xmlns:w="{WORD}">{styles}</w:styles>',
        "word/numbering.xml": f'<w:numbering xmlns:w="{WORD}">{numbering}</w:numbering>',
        **(more or {}),
    }
    if core:
        parts["docProps/core.xml"] = f'<c xmlns:dc="urn:dc" xmlns:cp="urn:cp">{core}</c>'
    return zipped(parts)


def p(text: str, *, style: str = "", number: str = "", depth: int = 0, run: str = "") -> str:
    """A paragraph; `run` is what the run says of its letters."""
    told = f'<w:pStyle w:val="{style}"/>' if style else ""
    told += f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{number}"/></w:numPr>' if number else ""
    return f"<w:p><w:pPr>{told}</w:pPr><w:r><w:rPr>{run}</w:rPr><w:t>{text}</w:t></w:r></w:p>"


def style(name: str, called: str, more: str = "") -> str:
    return f'<w:style w:type="paragraph" w:styleId="{name}"><w:name w:val="{called}"/>{more}</w:style>'


def table(*rows: Sequence[str]) -> str:
    """Each cell holds what is given, as XML."""
    written = "".join("<w:tr>" + "".join(f"<w:tc>{cell}</w:tc>" for cell in row) + "</w:tr>" for row in rows)
    return f"<w:tbl>{written}</w:tbl>"
