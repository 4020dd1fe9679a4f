"""Many faces in one PDF that is written as it goes: what is finished leaves, only offsets stay.

Every object of a face is copied under a new number, its page tree and catalogue are not. The
document says PDF/A-3 level B: the order of reading (tags) stays with the single faces, and so do
signatures, which cover the bytes of one file each.
"""

import hashlib
import io
from array import array
from collections.abc import Iterator, Mapping
from typing import cast
from xml.sax.saxutils import escape

from pypdf import PdfReader
from pypdf.errors import PyPdfError
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    EncodedStreamObject,
    IndirectObject,
    NameObject,
    NullObject,
    NumberObject,
    PdfObject,
    StreamObject,
    TextStringObject,
)

from certsvc.face.errors import TypesettingFailed

# ISO 32000-1, 7.5.2; ISO 19005-3, 6.1.2: four bytes above 127 say that the file is binary.
_HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
_PAGES, _CATALOGUE, _METADATA = 1, 2, 3
_FIRST_FREE = 4
# Attributes that a page may have from the tree above it (ISO 32000-1, 7.7.3.4).
_INHERITED = ("/Resources", "/MediaBox", "/CropBox", "/Rotate")
# What leads back into the tree of the single file, or to its tags.
_NOT_OF_A_PAGE = frozenset({"/Parent", "/StructParents", "/Tabs", "/B", "/AF"})
_NOT_COPIED = frozenset({"/Page", "/Pages", "/StructElem", "/StructTreeRoot"})
_LARGEST_OFFSET = 10**10 - 1
_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


class MergedPdf:
    """Gives the bytes of one PDF as its parts come.

    Args:
        title: of the document.
    """

    def __init__(self, *, title: str) -> None:
        self._title = title
        self._offsets = array("Q", [0] * _FIRST_FREE)
        self._written = 0
        self._digest = hashlib.sha256()
        self._out = [_HEADER]
        self._pages = array("Q")
        self._files: list[tuple[str, int]] = []
        self._intents: int | None = None

    def add(self, pdf: bytes, *, attachment: str) -> bytes:
        """Add the pages of a face, and what is attached to it.

        Args:
            pdf: of `certsvc.face.document.render`.
            attachment: name of the attached token here: the names of all must be in order.

        Returns:
            The document's next bytes.

        Raises:
            TypesettingFailed: the PDF cannot be read; nothing of it was written.
        """
        reader = None
        try:
            reader = PdfReader(io.BytesIO(pdf), strict=True)
            copy = _Copy(len(self._offsets))
            pages = [copy.page(page) for page in _pages(reader)]
            root = reader.root_object
            files = [copy.file(each, attachment) for each in _attached(root)]
            if files and pages:
                pages[0][NameObject("/AF")] = ArrayObject(files)
            intents = copy.refer(root["/OutputIntents"]) if self._intents is None else None
            numbers = [copy.number(page) for page in pages]
            objects = list(copy.objects())
        except (PyPdfError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise TypesettingFailed("a face cannot be taken into a document") from error
        finally:
            if reader is not None:
                # Its objects and itself know one another: memory would wait for the collector.
                reader.close()
                reader.resolved_objects.clear()
        for content in objects:
            self._offsets.append(0)
            self._put(len(self._offsets) - 1, content)
        self._pages.extend(numbers)
        self._files += [(attachment, each.idnum) for each in files]
        if intents is not None:
            self._intents = self._add(intents)
        return self._take()

    def attach(self, name: str, data: bytes, *, media_type: str) -> bytes:
        """Attach a file that belongs to the whole document; its name follows all others'."""
        stream = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/EmbeddedFile"),
                NameObject("/Subtype"): NameObject(f"/{media_type}"),
                NameObject("/Params"): DictionaryObject(
                    {NameObject("/Size"): NumberObject(len(data))}
                ),
                NameObject("/Length"): NumberObject(len(data)),
            }
        )
        body = _bytes(stream) + b"\nstream\n" + data + b"\nendstream"
        content = IndirectObject(self._add_bytes(body), 0, None)
        entry = DictionaryObject({NameObject("/F"): content, NameObject("/UF"): content})
        spec = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Filespec"),
                NameObject("/F"): TextStringObject(name),
                NameObject("/UF"): TextStringObject(name),
                NameObject("/AFRelationship"): NameObject("/Data"),
                NameObject("/EF"): entry,
            }
        )
        self._files.append((name, self._add(spec)))
        return self._take()

    @property
    def pages(self) -> int:
        """Pages so far; a PDF without any is none."""
        return len(self._pages)

    def close(self) -> bytes:
        """The document's last bytes. Without them no program opens it."""
        parent = f"<</Type/Pages/Count {len(self._pages)}/Kids[{_references(self._pages)}]>>"
        self._put(_PAGES, parent.encode())
        xmp = _XMP.format(title=escape(self._title)).encode()
        head = f"<</Type/Metadata/Subtype/XML/Length {len(xmp)}>>\nstream\n".encode()
        self._put(_METADATA, head + xmp + b"\nendstream")
        names = b"".join(
            _bytes(TextStringObject(name)) + f" {number} 0 R ".encode()
            for name, number in self._files
        )
        files = _references(number for _, number in self._files).encode()
        self._put(
            _CATALOGUE,
            f"<</Type/Catalog/Pages {_PAGES} 0 R/Metadata {_METADATA} 0 R/Lang(zh)".encode()
            + (b"" if self._intents is None else f"/OutputIntents {self._intents} 0 R".encode())
            + b"/Names<</EmbeddedFiles<</Names["
            + names
            + b"]>>>>/AF["
            + files
            + b"]>>",
        )
        taken = self._take()
        start, name = self._written, self._digest.hexdigest()[:32]
        count = len(self._offsets)
        rows = [b"0000000000 65535 f\r\n"]
        rows += [b"%010d 00000 n\r\n" % offset for offset in self._offsets[1:]]
        trailer = f"<</Size {count}/Root {_CATALOGUE} 0 R/ID[<{name}><{name}>]>>"
        end = f"trailer\n{trailer}\nstartxref\n{start}\n%%EOF\n"
        return taken + f"xref\n0 {count}\n".encode() + b"".join(rows) + end.encode()

    def _add(self, value: PdfObject) -> int:
        return self._add_bytes(_bytes(value))

    def _add_bytes(self, content: bytes) -> int:
        self._offsets.append(0)
        self._put(len(self._offsets) - 1, content)
        return len(self._offsets) - 1

    def _put(self, number: int, content: bytes) -> None:
        self._offsets[number] = self._written + sum(map(len, self._out))
        self._out.append(b"%d 0 obj\n%b\nendobj\n" % (number, content))

    def _take(self) -> bytes:
        data = b"".join(self._out)
        self._out.clear()
        self._written += len(data)
        if self._written > _LARGEST_OFFSET:
            raise TypesettingFailed("the document is too long for a PDF")
        self._digest.update(data)
        return data


class _Copy:
    """Objects of one file under new numbers.

    Args:
        first: the first number that is free.
    """

    def __init__(self, first: int) -> None:
        self._first = first
        self._known: dict[tuple[int, int], int] = {}
        self._objects: list[PdfObject | None] = []

    def page(self, page: DictionaryObject) -> DictionaryObject:
        """A page below this document's own tree, which takes the number it gets next."""
        copied = DictionaryObject()
        for name, value in page.items():
            if name not in _NOT_OF_A_PAGE:
                copied[NameObject(name)] = self.value(value)
        copied[NameObject("/Parent")] = IndirectObject(_PAGES, 0, None)
        return copied

    def file(self, spec: DictionaryObject, name: str) -> IndirectObject:
        """A file specification, under another name."""
        copied = DictionaryObject({key: self.value(value) for key, value in spec.items()})
        for key in ("/F", "/UF"):
            copied[NameObject(key)] = TextStringObject(name)
        return IndirectObject(self.number(copied), 0, None)

    def refer(self, value: PdfObject) -> PdfObject:
        """The copy of what may stand behind a reference."""
        return self.value(value.get_object() or NullObject())

    def number(self, value: PdfObject) -> int:
        """Give a copied object a number."""
        self._objects.append(value)
        return self._first + len(self._objects) - 1

    def value(self, value: PdfObject) -> PdfObject:
        """Copy a value; what it refers to is copied once."""
        if isinstance(value, IndirectObject):
            return IndirectObject(self._number_of(value), 0, None)
        if isinstance(value, ArrayObject):
            return ArrayObject(map(self.value, value))
        if isinstance(value, StreamObject):
            stream = EncodedStreamObject()
            stream._data = value._data  # as it stands, not decoded
            stream.update(self._members(value))
            return stream
        if isinstance(value, DictionaryObject):
            if value.get("/Type") in _NOT_COPIED:
                return NullObject()
            return DictionaryObject(self._members(value))
        return value

    def objects(self) -> Iterator[bytes]:
        """The objects in the order of their numbers."""
        for each in self._objects:
            yield _bytes(NullObject() if each is None else each)

    def _members(self, value: Mapping[str, PdfObject]) -> dict[NameObject, PdfObject]:
        return {
            NameObject(name): self.value(each)
            for name, each in value.items()
            if name != "/StructParent"
        }

    def _number_of(self, reference: IndirectObject) -> int:
        key = reference.idnum, reference.generation
        if key not in self._known:
            # The place is taken first: objects may refer to one another in circles.
            self._objects.append(None)
            place = len(self._objects) - 1
            self._known[key] = self._first + place
            self._objects[place] = self.value(reference.get_object() or NullObject())
        return self._known[key]


def _pages(reader: PdfReader) -> Iterator[DictionaryObject]:
    for page in reader.pages:
        whole = DictionaryObject(page)
        for name in _INHERITED:
            node: DictionaryObject = page
            while name not in whole and "/Parent" in node:
                node = cast("DictionaryObject", node["/Parent"].get_object())
                if name in node:
                    whole[NameObject(name)] = node.raw_get(name)
        yield whole


def _attached(root: DictionaryObject) -> list[DictionaryObject]:
    return [each.get_object() for each in root.get("/AF", ArrayObject())]


def _references(numbers: "Iterator[int] | array[int]") -> str:
    return " ".join(f"{number} 0 R" for number in numbers)


def _bytes(value: PdfObject) -> bytes:
    out = io.BytesIO()
    value.write_to_stream(out)
    return out.getvalue()
