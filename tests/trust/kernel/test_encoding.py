import json

import pytest

from trust.kernel.encoding import members_once


def test_a_member_that_stands_twice_is_refused():
    assert json.loads('{"a": {"b": 1}, "c": 2}', object_pairs_hook=members_once) == {"a": {"b": 1}, "c": 2}
    for text in ('{"a": 1, "a": 1}', '{"a": {"b": 1, "b": 2}}'):
        with pytest.raises(ValueError, match="twice"):
            json.loads(text, object_pairs_hook=members_once)
