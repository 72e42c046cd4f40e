"""Header compression with a memory: what repeats from request to request is not computed again.

Pure. HPACK itself is the library's (hpack). The decoder remembers whole blocks that left its table as it was: such a block always
means the same until the table changes. The encoder remembers single fields, and puts a field into the table only when it is seen
again, so that values that never repeat (dates, trace ids) do not push out those that do. Rules: RFC 7541.
Caller: tanebi.http.h2.connection.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import hpack
import hpack.exceptions
import hpack.hpack
import hpack.table

from tanebi.http.h2.frames import Broken, Code

REMEMBERED_MAX: Final = 256
SEEN_MAX: Final = 512
BLOCK_REMEMBERED_MAX: Final = 2048  # bytes of a block
FIELD_INDEXED_MAX: Final = 1024  # bytes of a field that may go into the table
TABLE_MAX: Final = 4096  # bytes of the encoder's table, whatever the peer allows

Field = tuple[bytes, bytes]

# Compression must not help anybody to guess these (RFC 7541 §7.1.3).
SECRET: Final = frozenset((b"authorization", b"cookie", b"set-cookie", b"proxy-authorization"))


class Block:
    """A decoded header block. `meaning`: what its reader made of it, for the next time that the same block comes."""

    __slots__ = ("fields", "meaning", "size")

    def __init__(self, fields: list[Field]) -> None:
        self.fields = fields
        self.size = sum(len(n) + len(v) + 32 for n, v in fields)
        self.meaning: object = None


class FieldDecoder:
    """One for each direction of a connection. `list_max` bounds what one block may expand to."""

    def __init__(self, list_max: int) -> None:
        self._decoder = hpack.Decoder(max_header_list_size=list_max)
        self._table = self._decoder.header_table
        self._known: dict[bytes, Block] = {}

    def decode(self, data: bytes) -> Block:
        """Raises Broken: after a block that cannot be read the table is of no use."""
        known = self._known.get(data)
        if known is not None:
            return known
        table = self._table
        entries = table.dynamic_entries
        before = (table.maxsize, len(entries), entries[0] if entries else None)
        try:
            found = self._decoder.decode(data, raw=True)
        except hpack.exceptions.OversizedHeaderListError as error:
            raise Broken(Code.ENHANCE_YOUR_CALM, "a header block is too large") from error
        except (hpack.exceptions.HPACKError, UnicodeError) as error:
            raise Broken(Code.COMPRESSION_ERROR, "a header block cannot be decoded") from error
        block = Block(found)  # type: ignore[arg-type]  # raw=True gives bytes
        if (table.maxsize, len(entries)) != before[:2] or (entries and entries[0] is not before[2]):
            self._known.clear()
        elif len(data) <= BLOCK_REMEMBERED_MAX and len(self._known) < REMEMBERED_MAX:
            self._known[data] = block
        return block


class FieldEncoder:
    """One for each direction of a connection."""

    def __init__(self) -> None:
        self._encoder = hpack.Encoder()
        self._known: dict[Field, bytes] = {}  # as long as the table does not change
        self._seen: set[Field] = set()  # once at least
        self._starts: dict[bytes, bytes] = {}  # of literals, by name

    def resize(self, peer_max: int) -> None:
        """The peer's table holds `peer_max` bytes at most."""
        size = min(peer_max, TABLE_MAX)
        if size != self._encoder.header_table_size:
            self._known.clear()
            self._encoder.header_table_size = size

    def encode(self, fields: Iterable[Field]) -> bytes:
        """`fields`: lower-case names, pseudo-headers first."""
        out: list[bytes] = []
        if self._encoder.header_table.resized:
            out.append(self._encoder.encode(()))
        known = self._known
        for field in fields:
            piece = known.get(field)
            out.append(piece if piece is not None else self._fresh(field))
        return b"".join(out)

    def _fresh(self, field: Field) -> bytes:
        """A field that is not known as it stands in a table: a literal the first time, and into the table the second."""
        name, value = field
        encoder, plain = self._encoder, (name, value)
        if name in SECRET or isinstance(field, hpack.NeverIndexedHeaderTuple):
            return encoder.add(plain, True, True)
        fixed = hpack.table.HeaderTable.STATIC_TABLE_MAPPING.get(name)
        if fixed is not None and value in fixed[1]:
            return self._remember(plain)
        if plain not in self._seen:
            if len(self._seen) >= SEEN_MAX:
                self._seen.clear()
            self._seen.add(plain)
            return self._literal(name, value)
        found = encoder.header_table.search(name, value)
        if found is not None and found[2] is not None:
            return self._remember(plain)
        if len(name) + len(value) > FIELD_INDEXED_MAX:
            return self._literal(name, value)
        self._known.clear()  # indices move
        return encoder.add(plain, False, True)

    def _remember(self, field: Field) -> bytes:
        """It is in a table: an index."""
        piece = self._encoder.add(field, False, True)
        if len(self._known) < REMEMBERED_MAX:
            self._known[field] = piece
        return piece

    def _literal(self, name: bytes, value: bytes) -> bytes:
        """Without indexing (RFC 7541 §6.2.2): what may not come again changes no table and costs no search in it."""
        start = self._starts.get(name)
        if start is None:
            fixed = hpack.table.HeaderTable.STATIC_TABLE_MAPPING.get(name)
            if fixed is not None:
                start = bytes(hpack.hpack.encode_integer(fixed[0], 4))
            else:
                start = b"\0" + bytes(hpack.hpack.encode_integer(len(name), 7)) + name
            if len(self._starts) < REMEMBERED_MAX:
                self._starts[name] = start
        size = len(value)
        if size < 127:
            return b"%b%c%b" % (start, size, value)
        return start + bytes(hpack.hpack.encode_integer(size, 7)) + value
