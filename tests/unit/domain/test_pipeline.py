"""The pipeline: which tables are refused and why, and that no lead ever leaves the allowed ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from builders import NOON, a_lead, a_pipeline
from leads_domain.errors import FieldError, IllegalTransition, InvalidPipeline, ValidationFailed
from leads_domain.lead import Lead
from leads_domain.pipeline import DEFAULT_PIPELINE, Pipeline, Status
from strategies import PIPELINE_ERRORS, Table, invalid_tables, pipelines, tables, texts


@pytest.mark.parametrize(
    ("initial", "transitions", "reason_required", "message"),
    [
        pytest.param(
            "new",
            {"new": ["won "], "won ": []},
            [],
            "'won ' is not a valid status. Use 1 to 50 printable characters, without spaces at either end.",
            id="nameless",
        ),
        pytest.param(
            "fresh",
            {"new": ["won"], "won": []},
            [],
            "The initial status 'fresh' is missing in `transitions`.",
            id="undeclared initial status",
        ),
        pytest.param("new", {}, [], "The initial status 'new' is missing in `transitions`.", id="empty"),
        pytest.param(
            "new",
            {"new": ["won"], "won": []},
            ["lost", "gone"],
            "The status 'gone' in `reason_required` is missing in `transitions`.",
            id="undeclared status that needs a reason",
        ),
        pytest.param(
            "new",
            {"new": ["won"]},
            [],
            "The status 'new' has a transition to 'won', which is missing in `transitions`.",
            id="undeclared target",
        ),
        pytest.param(
            "new",
            {"new": ["new", "won"], "won": []},
            [],
            "The status 'new' has a transition to itself. Remove it: keeping the status is always allowed.",
            id="leads to itself",
        ),
        pytest.param(
            "new",
            {"new": ["won", "won"], "won": []},
            [],
            "The status 'new' has two transitions to the same status.",
            id="target named twice",
        ),
        pytest.param(
            "new",
            {"new": ["won"], "won": [], "lost": ["new"]},
            [],
            "The status 'lost' cannot be reached from the initial status 'new'.",
            id="unreachable",
        ),
        pytest.param(
            "new",
            {"new": ["open"], "open": ["new"]},
            [],
            "No status is final. Give at least one status an empty list of transitions.",
            id="endless",
        ),
    ],
)
def test_a_broken_pipeline_is_refused_with_a_message_that_names_the_fault(
    initial: Status, transitions: dict[Status, list[Status]], reason_required: list[Status], message: str
) -> None:
    with pytest.raises(InvalidPipeline) as refusal:
        Pipeline(initial, transitions, frozenset(reason_required))
    assert str(refusal.value) == message


@pytest.mark.parametrize("kind", PIPELINE_ERRORS)
@given(data=st.data())
def test_every_planted_fault_is_found_and_named(kind: str, data: DataObject) -> None:
    broken = data.draw(invalid_tables(kind))
    with pytest.raises(InvalidPipeline) as refusal:
        broken.table.build()
    assert str(refusal.value) == broken.message


@pytest.mark.parametrize("name", ["a", "x" * 50, "in progress", "přijato", "新規", "won 🎉"])
def test_a_status_may_be_named_in_any_script(name: Status) -> None:
    assert Pipeline(name, {name: []}).statuses == (name,)


@given(tables())
def test_a_sound_table_is_accepted_and_kept_as_it_was_written(table: Table) -> None:
    pipeline = table.build()
    assert pipeline.initial == table.initial
    assert {status: list(targets) for status, targets in pipeline.transitions.items()} == table.transitions
    assert pipeline.statuses == tuple(table.transitions)
    assert pipeline.reason_required == table.reason_required


@given(tables())
def test_what_needs_no_more_following_up_is_final_or_needs_a_reason(table: Table) -> None:
    pipeline = table.build()
    assert pipeline.final == {status for status in table.transitions if table.transitions[status] == []}
    assert pipeline.closed == pipeline.final.union(table.reason_required)
    assert pipeline.won == pipeline.final.difference(table.reason_required)


def test_a_pipeline_does_not_change_when_the_table_that_it_was_made_from_does() -> None:
    transitions, reasons = {"new": ["won"], "won": []}, {"won"}
    pipeline = Pipeline("new", transitions, reasons)  # type: ignore[arg-type]
    transitions["won"].append("new")
    transitions["lost"] = []
    reasons.add("new")
    assert pipeline == Pipeline("new", {"new": ("won",), "won": ()}, frozenset({"won"}))


def test_the_transitions_of_a_pipeline_cannot_be_written_to() -> None:
    with pytest.raises(TypeError):
        DEFAULT_PIPELINE.transitions["converted"] = ("new",)  # type: ignore[index]


def test_the_default_pipeline_is_the_documented_one() -> None:
    moves = {(origin, target) for origin, targets in DEFAULT_PIPELINE.transitions.items() for target in targets}
    assert moves == {
        ("new", "contacted"),
        ("new", "lost"),
        ("contacted", "qualified"),
        ("contacted", "converted"),
        ("contacted", "lost"),
        ("qualified", "converted"),
        ("qualified", "lost"),
        ("lost", "contacted"),
    }
    assert DEFAULT_PIPELINE.initial == "new"
    assert DEFAULT_PIPELINE.final == {"converted"}
    assert DEFAULT_PIPELINE.reason_required == {"lost"}
    assert DEFAULT_PIPELINE.closed == {"converted", "lost"}


@given(tables(), st.data())
def test_no_sequence_of_moves_leaves_the_allowed_ways(table: Table, data: DataObject) -> None:
    wishes = data.draw(st.lists(st.sampled_from([*table.transitions, "no such status"]), max_size=20))
    pipeline = table.build()
    edges = [(origin, target) for origin in table.transitions for target in table.transitions[origin]]
    lead, expected = a_lead(status=table.initial), table.initial
    for wish in wishes:
        if (expected, wish) in edges:
            expected = wish
        lead = _moved_if_allowed(lead, pipeline, wish)
        assert lead.status == expected


def _moved_if_allowed(lead: Lead, pipeline: Pipeline, wish: Status) -> Lead:
    try:
        return lead.change_status(pipeline, wish, "because", NOON)[0]
    except IllegalTransition:
        return lead


@given(tables(), st.data())
def test_a_final_status_stays_final(table: Table, data: DataObject) -> None:
    final = data.draw(st.sampled_from([status for status in table.transitions if not table.transitions[status]]))
    wish = data.draw((texts() | st.sampled_from(list(table.transitions))).filter(lambda status: status != final))
    with pytest.raises(IllegalTransition) as refusal:
        a_lead(status=final).change_status(table.build(), wish, "because", NOON)
    assert refusal.value.allowed == ()


@given(pipelines(), st.data())
def test_staying_is_always_allowed_and_does_nothing(pipeline: Pipeline, data: DataObject) -> None:
    lead = a_lead(status=data.draw(st.sampled_from(pipeline.statuses)))
    reason = data.draw(st.none() | texts())
    stayed, events = lead.change_status(pipeline, lead.status, reason, NOON)
    assert stayed is lead
    assert events == []


def test_a_refused_move_tells_where_the_lead_can_go() -> None:
    with pytest.raises(IllegalTransition) as refusal:
        DEFAULT_PIPELINE.check_transition("new", "converted")
    assert (refusal.value.origin, refusal.value.target) == ("new", "converted")
    assert refusal.value.allowed == ("contacted", "lost")


def test_an_unknown_status_is_a_fault_that_lists_the_known_ones() -> None:
    pipeline = a_pipeline(new=("won",), won=())
    assert pipeline.status_errors("old") == (FieldError("/status", "Unknown status 'old'. Use one of: new, won."),)
    assert pipeline.status_errors("won") == ()


def test_a_status_that_needs_a_reason_is_refused_without_one() -> None:
    pipeline = a_pipeline(new=("lost",), lost=(), reason_required=("lost",))
    with pytest.raises(ValidationFailed) as refusal:
        pipeline.check_reason("lost", None)
    assert refusal.value.errors == (FieldError("/status_reason", "The status `lost` requires a reason."),)


def test_a_reason_is_enough_where_one_is_needed_and_optional_elsewhere() -> None:
    pipeline = a_pipeline(new=("lost",), lost=(), reason_required=("lost",))
    for status, reason in [("lost", "No budget"), ("new", None), ("new", "Came back")]:
        pipeline.check_reason(status, reason)
