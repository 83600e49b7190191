"""Streams of random numbers."""

from models.seeds import Stream, generator, torch_seed


def test_a_stream_can_be_drawn_again_and_is_not_another() -> None:
    def draw(*key: int) -> tuple[int, ...]:
        return tuple(generator(key[0], Stream(key[1]), *key[2:]).integers(2**60, size=3).tolist())

    assert draw(0, Stream.ORDER, 3) == draw(0, Stream.ORDER, 3)
    keys = [(0, Stream.ORDER, 3), (0, Stream.ORDER, 4), (1, Stream.ORDER, 3), (0, Stream.PROBE), (0, Stream.ORDER)]
    assert len({draw(*key) for key in keys}) == len(keys)


def test_torch_seeds_fit_and_differ_by_stream() -> None:
    seeds = {torch_seed(seed, stream) for seed in (0, 2**63 - 1) for stream in Stream}
    assert len(seeds) == 2 * len(Stream)
    assert all(0 <= seed < 2**63 for seed in seeds)
