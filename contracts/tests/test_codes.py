"""Codes that people type."""

import math

from flip_contracts.codes import ALPHABET, LENGTH, new_code


def test_a_code_is_letters_and_digits_that_nobody_mixes_up_and_cannot_be_guessed():
    codes = {new_code() for _ in range(500)}
    assert len(codes) == 500
    assert all(code.isalnum() and code.isascii() for code in codes)
    assert set("".join(codes)) == set(ALPHABET)
    assert not set("0O1Il") & set(ALPHABET)
    assert LENGTH * math.log2(len(ALPHABET)) >= 128
