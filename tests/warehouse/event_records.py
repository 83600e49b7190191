"""TensorBoard event files written by hand, by a checksum of their own (bit by bit, where the reader has a table)."""

import struct


def crc32c(content: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 * (crc & 1))
    return crc ^ 0xFFFFFFFF


def masked(content: bytes) -> bytes:
    crc = crc32c(content)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


def varint(number: int) -> bytes:
    number %= 1 << 64
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def record(event: bytes) -> bytes:
    length = struct.pack("<Q", len(event))
    return length + masked(length) + event + masked(event)


def simple(step: int, tag: str, value: float) -> bytes:
    """Write a scalar as torch and tensorboardX do."""
    number = bytes([2 << 3 | 5]) + struct.pack("<f", value)
    return _event(step, field(1, tag.encode()) + number)


def tensor(step: int, tag: str, content: bytes) -> bytes:
    """Write it as TensorFlow 2 does: a tensor, and metadata to skip."""
    return _event(step, field(1, tag.encode()) + field(9, b"\n\x07scalars") + field(8, content))


def _event(step: int, value: bytes) -> bytes:
    wall_time = bytes([1 << 3 | 1]) + struct.pack("<d", 1.6e9)
    return wall_time + field(2, step) + field(5, field(1, value))


VERSION = bytes([1 << 3 | 1]) + struct.pack("<d", 1.6e9) + field(3, b"brain.Event:2")
