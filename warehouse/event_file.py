"""Scalars of a TensorBoard event file, read without TensorFlow.

The file is a TFRecord: for each record its length (8 bytes, little-endian), a masked CRC-32C of that length, the
bytes, and a masked CRC-32C of them. Each record is a protocol buffer `Event` (tensorflow/core/util/event.proto):
step = 2, summary = 5; a `Summary` holds values = 1; a `Value` has tag = 1 and simple_value = 2, or
tensor = 8 with dtype = 1, tensor_content = 4, float_val = 5, double_val = 6. All else is skipped.

Records are read one at a time, and images or histograms are passed over unread.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from warehouse.errors import WarehouseError

LONGEST_RECORD = 64 * 1024
"""Bytes of a record that is read; a scalar needs some hundred, longer ones hold images or graphs."""
_LONGEST_POSSIBLE = 1 << 31
_HEADER = 12
_FLOAT, _DOUBLE = 1, 2
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True)
class Scalar:
    """One value of one tag."""

    step: int
    tag: str
    value: float


class _WireError(Exception):
    """Bytes are not the protocol buffer they should be."""


def is_event_file(start: bytes) -> bool:
    """Return whether a file that starts so is a TFRecord: its first length has the right checksum."""
    return len(start) >= _HEADER and _masked_crc(start[:8]) == struct.unpack("<I", start[8:12])[0]


def read_scalars(path: Path) -> Iterator[Scalar]:
    """Read a file's scalars in its order.

    Raises
    ------
    WarehouseError
        If a record is cut off or damaged, saying which.
    """
    with path.open("rb") as file:
        for number, record in enumerate(_records(file, path), start=1):
            try:
                yield from _scalars(record)
            except (_WireError, struct.error, UnicodeDecodeError) as error:
                message = f"{path} is not a TensorBoard event file: record {number} is no event"
                raise WarehouseError(message) from error


def _records(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """Yield the records that are short enough to hold a scalar; a longer one is passed over as empty."""
    size, number = path.stat().st_size, 0
    while header := file.read(_HEADER):
        number += 1
        if not is_event_file(header):
            message = f"{path} is damaged or cut off in record {number}: its length does not have its checksum"
            raise WarehouseError(message)
        length = struct.unpack("<Q", header[:8])[0]
        if length > _LONGEST_POSSIBLE or file.tell() + length + 4 > size:
            message = f"{path} is cut off in record {number}; copy the whole file, or wait until it is written"
            raise WarehouseError(message)
        if length > LONGEST_RECORD:
            file.seek(length + 4, 1)
            yield b""
            continue
        record, check = file.read(length), file.read(4)
        if _masked_crc(record) != struct.unpack("<I", check)[0]:
            message = f"{path} is damaged in record {number}: its bytes do not have their checksum"
            raise WarehouseError(message)
        yield record


def _scalars(record: bytes) -> Iterator[Scalar]:
    step, summaries = 0, []
    for field, content in _fields(record):
        if field == 2 and isinstance(content, int):
            step = content - (1 << 64) if content >= 1 << 63 else content
        elif field == 5 and isinstance(content, bytes):
            summaries.append(content)
    for summary in summaries:
        for field, content in _fields(summary):
            if field == 1 and isinstance(content, bytes):
                tag, value = _value(content)
                if value is not None:
                    yield Scalar(step, tag, value)


def _value(content: bytes) -> tuple[str, float | None]:
    tag, value = "", None
    for field, inner in _fields(content):
        if field == 1 and isinstance(inner, bytes):
            tag = inner.decode()
        elif field == 2 and isinstance(inner, bytes) and len(inner) == 4:
            value = float(struct.unpack("<f", inner)[0])
        elif field == 8 and isinstance(inner, bytes):
            value = _tensor(inner)
    return tag, value


def _tensor(content: bytes) -> float | None:
    """Return the number of a tensor that holds one float or double, else None."""
    dtype, numbers = 0, b""
    for field, inner in _fields(content):
        if field == 1 and isinstance(inner, int):
            dtype = inner
        elif field in {4, 5, 6} and isinstance(inner, bytes):
            numbers += inner
    form = {(_FLOAT, 4): "<f", (_DOUBLE, 8): "<d"}.get((dtype, len(numbers)))
    return float(struct.unpack(form, numbers)[0]) if form else None


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield (field number, content): an int for a varint, the raw bytes for all else."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        kind = key & 7
        if kind == _VARINT:
            number, place = _varint(message, place)
            yield key >> 3, number
            continue
        length = {_FIXED64: 8, _FIXED32: 4}.get(kind)
        if length is None:
            if kind != _BYTES:
                raise _WireError
            length, place = _varint(message, place)
        if place + length > len(message):
            raise _WireError
        yield key >> 3, message[place : place + length]
        place += length


def _varint(message: bytes, place: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            raise _WireError
        byte = message[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
    raise _WireError


def _table() -> tuple[int, ...]:
    """Return the CRC of each byte for Castagnoli's polynomial, reflected (RFC 3720, appendix B.4)."""
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_CRC_TABLE = _table()


def _masked_crc(content: bytes) -> int:
    """Return TFRecord's checksum: CRC-32C, rotated and offset so that it may be stored beside what it checks."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
