import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_adapter.ceremony.errors import (
    ShareMistyped,
    ShareOfAnotherCeremony,
    ShareRepeated,
    SharesTooFew,
    SharesWrong,
)
from hsm_adapter.ceremony.shares import WORDS, check_share, combine, parse_share, split, wipe
from trust.kernel.randomness import SystemRandomness

SECRET = bytes(range(32))

# A published vector of SLIP-39 whose share needs other groups beside it ("Threshold number of groups and members in
# each group, 256 bits"): whole, and not of the one form that we make.
FOREIGN_FORM = (
    "wildlife deal ceramic round aluminum pitch goat racism employer miracle percent math decision episode dramatic "
    "editor lily prospect program scene rebuild display sympathy have single mustang junction relate often chemical "
    "society wits estate"
)


def typed(made, *numbers):
    return tuple(parse_share(" ".join(made.shares[number - 1])) for number in numbers)


@given(st.binary(min_size=32, max_size=32), st.integers(2, 6), st.integers(0, 3), st.randoms(use_true_random=False))
def test_any_quorum_gives_the_secret_back(secret, threshold, spare, order):
    made = split(secret, threshold=threshold, shares=threshold + spare, randomness=SystemRandomness())
    numbers = order.sample(range(1, threshold + spare + 1), threshold)
    assert combine(typed(made, *numbers), threshold=threshold) == secret


def test_a_share_has_33_words_and_bears_its_custodian():
    made = split(SECRET, threshold=2, shares=3, randomness=SystemRandomness())
    assert [len(share) for share in made.shares] == [WORDS] * 3
    assert [share.number for share in typed(made, 1, 2, 3)] == [1, 2, 3]
    assert not any(word in repr(made) for word in made.shares[0])


def test_too_few_shares_are_refused():
    made = split(SECRET, threshold=3, shares=3, randomness=SystemRandomness())
    with pytest.raises(SharesTooFew) as refused:
        combine(typed(made, 1, 2), threshold=3)
    assert refused.value.code == "ceremony-shares-too-few"


@pytest.mark.parametrize("place", [0, 2, 3, 16, 29, 32])
def test_each_mistyped_word_is_found_and_none_is_quoted(place):
    made = split(SECRET, threshold=2, shares=2, randomness=SystemRandomness())
    words = list(made.shares[0])
    words[place] = "academic" if words[place] != "academic" else "acid"
    with pytest.raises(ShareMistyped) as refused:
        parse_share(" ".join(words))
    assert refused.value.code == "ceremony-share-mistyped"
    shown = "".join(traceback.format_exception(refused.value))
    assert not any(f" {word} " in shown for word in words)
    assert refused.value.__context__ is None


@pytest.mark.parametrize("line", ["", "word " * 33, "academic " * 32, "academic " * 34, "a" * 1001, FOREIGN_FORM, "\0"])
def test_what_is_no_share_of_ours_is_refused(line):
    with pytest.raises(ShareMistyped):
        parse_share(line)


def test_a_share_of_another_ceremony_is_refused_by_its_set():
    other = split(SECRET, threshold=2, shares=2, randomness=SystemRandomness())
    foreign = typed(other, 1)[0]
    with pytest.raises(ShareOfAnotherCeremony) as refused:
        check_share(foreign, share_set=other.share_set ^ 1, before=())
    assert refused.value.code == "ceremony-share-foreign"


def test_the_same_share_twice_is_refused():
    made = split(SECRET, threshold=2, shares=2, randomness=SystemRandomness())
    first = typed(made, 1)
    with pytest.raises(ShareRepeated) as refused:
        check_share(first[0], share_set=made.share_set, before=first)
    assert refused.value.code == "ceremony-share-repeated"


class SameSet:
    def token(self, size):
        return b"\x12\x34"


def test_shares_of_two_secrets_that_bear_one_set_by_chance_do_not_combine():
    made, other = (split(secret, threshold=2, shares=2, randomness=SameSet()) for secret in (SECRET, SECRET[::-1]))
    with pytest.raises(SharesWrong) as refused:
        combine((*typed(made, 1), *typed(other, 2)), threshold=2)
    assert refused.value.code == "ceremony-shares-wrong"


def test_a_wiped_secret_is_zero():
    secret = bytearray(SECRET)
    wipe(secret)
    assert secret == bytes(32)
