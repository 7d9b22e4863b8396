import dataclasses
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctxwin.errors import InputError, MessageError
from ctxwin.items import Budget, Item, Media, Part, content_hash, parse_time


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1:56 pm on 8 May, 2023", datetime(2023, 5, 8, 13, 56)),
        ("12:05 am on 1 January, 2024", datetime(2024, 1, 1, 0, 5)),
        ("12:30 pm on 1 January, 2024", datetime(2024, 1, 1, 12, 30)),
        ("2023/07/12 (Wed) 10:14", datetime(2023, 7, 12, 10, 14)),
        ("March-15-2024", datetime(2024, 3, 15)),
        ("2012-12-24", datetime(2012, 12, 24)),
        ("2024年3月5日 08:30", datetime(2024, 3, 5, 8, 30)),
        ("Sept. 3rd, 2021", datetime(2021, 9, 3)),
        ("2023-05-01T10:00:00+02:00", datetime(2023, 5, 1, 8, 0)),
    ],
)
def test_times_are_read_as_people_write_them(written, meant):
    assert parse_time(written) == meant
    assert Item(text="x", time=written).when == meant


@pytest.mark.parametrize("written", ["", "soon", "31 February 2024", "2024-13-01", "version 2.4.1"])
def test_what_is_no_time_is_none(written):
    assert parse_time(written) is None


@given(st.datetimes(), st.integers(-12, 12))
def test_zones_are_turned_to_utc(moment, hours):
    zone = timezone(timedelta(hours=hours))
    if datetime(2, 1, 1) < moment < datetime(9998, 1, 1):
        assert parse_time(moment.replace(tzinfo=zone)) == moment.replace(tzinfo=zone).astimezone(UTC).replace(
            tzinfo=None
        )


def test_values_are_frozen_and_compare_by_content():
    for value in (Item(text="a"), Part(kind="text"), Media(), Budget(total=9)):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, dataclasses.fields(value)[0].name, None)
    assert Item(text="a", speaker="Ana") == Item(text="a", speaker="Ana")
    assert Item(text="a").id != Item(text="a", speaker="Ana").id


def test_a_bad_item_is_named():
    with pytest.raises(MessageError, match="string, not int"):
        Item(text=3)
    with pytest.raises(MessageError, match=r"'poem'.*turn, chunk"):
        Item(text="a", kind="poem")


@pytest.mark.parametrize(
    "figures",
    [
        {"total": -1},
        {"total": 0},
        {"total": 10, "reserve": 10},
        {"total": 10, "margin": -1},
        {"total": 10.5},
        {"total": True},
    ],
)
def test_a_budget_that_leaves_nothing_is_refused(figures):
    with pytest.raises(InputError, match="budget"):
        Budget(**figures)


def test_a_budget_subtracts_reserve_and_margin():
    assert Budget(total=8000, reserve=1000, margin=160).limit == 6840


@given(st.lists(st.text(st.characters(codec=None)), max_size=4), st.lists(st.text(), max_size=4))
def test_hashes_differ_where_the_texts_do(one, other):
    assert (content_hash(*one) == content_hash(*other)) == (one == other)
    assert len(content_hash("\ud800")) == 32
