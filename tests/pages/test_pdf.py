"""A document as PDF, read back."""

from io import BytesIO

from pypdf import PdfReader

from pages.pdf import LONGEST, Document


def test_a_document_is_read_back() -> None:
    out = BytesIO()
    document = Document(out, title="Data about 张伟", subject="Brand", language="zh-hans")
    document.title("Data about 张伟")
    document.heading("Привет")
    document.text("一行\nsecond line\n\nand <b>no</b> markup")
    named = [document.has_names]
    document.text("สม", small=True)
    assert [*named, document.has_names] == [False, True]
    for number in range(100):
        document.text(f"number {number}")
    document.text("y" * (LONGEST + 5))
    document.finish()
    out.seek(0)
    read = PdfReader(out)
    assert read.metadata is not None
    assert read.metadata.title == "Data about 张伟"
    pages = [page.extract_text() for page in read.pages]
    assert len(pages) > 3
    for words in ("张伟", "Привет", "一行", "second line", "and <b>no</b> markup", "so sua"):
        assert words in pages[0]
    assert "Data about 张伟 · 2" in pages[1]
    whole = "".join(pages)
    assert all(f"number {number}" in whole for number in range(100))
    assert whole.count("y") == LONGEST
    assert "…" in whole
