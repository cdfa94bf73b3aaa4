import pytest

from flip_fl.api.log_batcher import plain


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("\x1b[92mINFO \x1b[0m:\tStarting FedAvg strategy", "INFO :\tStarting FedAvg strategy"),
        ("\x1b]0;a title\x07\x1b]8;;https://x.example\x1b\\a link", "a link"),
        ("epoch 1\repoch 2\x08\x9b2J\x1bc", "epoch 1epoch 2"),
        ("Verlust 0,3 ± 0,1 · 心臓", "Verlust 0,3 ± 0,1 · 心臓"),
    ],
)
def test_a_line_cannot_steer_the_terminal_of_who_reads_it(line, text):
    assert plain(line) == text
