import struct
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.warehouse.event_records import VERSION, crc32c, field, record, simple, tensor
from warehouse.errors import WarehouseError
from warehouse.event_file import Scalar, is_event_file, read_scalars


@pytest.fixture
def write(tmp_path):
    def to(*records: bytes):
        path = tmp_path / "events.out.tfevents.1"
        path.write_bytes(b"".join(records))
        return path

    return to


def test_the_tests_own_checksum_is_the_standards():
    assert crc32c(b"123456789") == 0xE3069283  # the check value of CRC-32C


def test_a_file_of_a_known_writer_is_recognised():
    # The first 12 bytes of any TensorFlow event file: length 24 and its checksum, as TensorFlow wrote them.
    assert is_event_file(bytes.fromhex("1800000000000000a37f4b22"))
    assert not is_event_file(b"step,loss\n1,2\n")
    assert not is_event_file(b"short")


def test_scalars_are_read_in_order(write):
    path = write(record(VERSION), record(simple(7, "loss/train", 1.5)), record(simple(8, "epoch", 0.0)))
    assert list(read_scalars(path)) == [Scalar(7, "loss/train", 1.5), Scalar(8, "epoch", 0.0)]


def test_tensors_of_one_number_are_scalars(write):
    as_float = field(1, 1) + field(4, struct.pack("<f", 2.5))
    as_double = field(1, 2) + field(4, struct.pack("<d", 3.5))
    as_list = field(1, 1) + field(5, struct.pack("<f", 4.5))
    text = field(1, 7) + field(8, b"words")
    many = field(1, 1) + field(4, struct.pack("<ff", 1, 2))
    records = [record(tensor(1, "t", each)) for each in (as_float, as_double, as_list, text, many)]
    assert [scalar.value for scalar in read_scalars(write(*records))] == [2.5, 3.5, 4.5]


def test_values_that_are_not_finite_come_through(write):
    (scalar,) = read_scalars(write(record(simple(1, "loss", float("inf")))))
    assert scalar.value == float("inf")


@given(st.integers(0, 2**62), st.text(max_size=30), st.floats(width=32, allow_nan=False))
def test_any_scalar_comes_back(tmp_path_factory, step, tag, value):
    path = tmp_path_factory.mktemp("events") / "e"
    path.write_bytes(record(simple(step, tag, value)))
    assert list(read_scalars(path)) == [Scalar(step, tag, value)]


def test_pictures_are_passed_over_in_little_memory(write):
    picture = record(VERSION)[:0] + _large(30_000_000)
    path = write(record(simple(1, "loss", 1.0)), picture, record(simple(2, "loss", 2.0)))
    tracemalloc.start()
    found = list(read_scalars(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [scalar.step for scalar in found] == [1, 2]
    assert peak < 2_000_000


def _large(size: int) -> bytes:
    whole = record(b"")
    length = struct.pack("<Q", size)
    return length + _mask(length) + bytes(size) + whole[-4:]


def _mask(content: bytes) -> bytes:
    crc = crc32c(content)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


@pytest.mark.parametrize("cut", [3, 11, 13, 30])
def test_a_file_cut_off_says_so(write, cut):
    good = record(simple(1, "loss", 1.0))
    with pytest.raises(WarehouseError, match="record 2"):
        list(read_scalars(write(good, good[:cut])))


@pytest.mark.parametrize("place", [0, 9, 14, -1])
def test_a_changed_byte_is_found(write, place):
    damaged = bytearray(record(simple(1, "loss", 1.0)))
    damaged[place] ^= 0x10
    with pytest.raises(WarehouseError, match="record 1"):
        list(read_scalars(write(bytes(damaged))))


@pytest.mark.parametrize(
    "event", [b"\xff" * 12, field(5, field(1, b"\x0a\x7f")), b"\x2b", field(5, field(1, b"\x0a\x02\xff\xfe"))]
)
def test_a_record_that_is_no_event_is_said(write, event):
    with pytest.raises(WarehouseError, match="record 1 is no event"):
        list(read_scalars(write(record(event))))


def test_a_length_beyond_the_file_reads_nothing(write):
    with pytest.raises(WarehouseError, match="cut off in record 1"):
        list(read_scalars(write(_large(100)[:12])))
    length = struct.pack("<Q", 2**60)
    path = write(length + _mask(length) + bytes(100))
    with pytest.raises(WarehouseError, match="cut off in record 1"):
        list(read_scalars(path))
