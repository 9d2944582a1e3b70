"""Test finding possible duplicates, and marking leads as different people."""

import pytest

from application import Application
from builders import a_lead, an_id
from leads_domain.errors import Merged, NotFound, ValidationFailed
from leads_domain.lead import Lead
from leads_domain.similarity import SIMILAR_MAX, Reason, SimilarLead
from leads_domain.use_cases.find_similar_leads import check_distinct


@pytest.fixture
def john(app: Application) -> Lead:
    """Create a lead."""
    return app.register(phone="+12025550123").lead


@pytest.fixture
def jon(app: Application, john: Lead) -> Lead:
    """Create a lead with the same name and phone number."""
    return app.register(email="jon@example.com", phone="+12025550123").lead


@pytest.fixture
def jane(app: Application, john: Lead) -> Lead:
    """Create a lead with the same phone number."""
    return app.register(name="Jane", email="jane@example.com", phone="+12025550123").lead


def test_similar_leads_are_found_with_their_reasons(app: Application, john: Lead, jane: Lead, jon: Lead) -> None:
    app.register(name="Jack", email="jack@example.com")
    by_both, by_phone = [Reason.PHONE, Reason.NAME], [Reason.PHONE]
    assert app.similar(john) == [SimilarLead(jon, by_both), SimilarLead(jane, by_phone)]
    assert app.similar(jane) == [SimilarLead(john, by_phone), SimilarLead(jon, by_phone)]


def test_the_best_leads_are_found_among_many(app: Application, john: Lead) -> None:
    for number in range(SIMILAR_MAX):
        app.register(email=f"{number}@example.com")
    best = app.register(email="jo.hn@example.com", phone="+12025550123").lead
    found = app.similar(john)
    assert (len(found), found[0].lead) == (SIMILAR_MAX, best)


def test_distinct_leads_are_not_similar_on_either_side(app: Application, john: Lead, jon: Lead, jane: Lead) -> None:
    before = app.timeline(john)
    assert app.mark_distinct(john, jon) == john
    assert app.mark_distinct(jon, john) == jon
    assert [each.lead for each in app.similar(john)] == [jane]
    assert [each.lead for each in app.similar(jon)] == [jane]
    assert (app.lead(john), app.timeline(john)) == (john, before)


def test_a_merged_lead_stays_distinct(app: Application, john: Lead, jon: Lead, jane: Lead) -> None:
    app.mark_distinct(jon, jane)
    app.mark_distinct(jon, john)
    app.merge(john, jon)
    assert app.similar(john) == []
    assert app.similar(jane) == []
    assert app.personal_data(john).distinct_ids == [jane.id]


def test_a_lead_that_is_distinct_from_both_merged_leads_stays_distinct(
    app: Application, john: Lead, jon: Lead, jane: Lead
) -> None:
    app.mark_distinct(jon, jane)
    app.mark_distinct(john, jane)
    app.merge(john, jon)
    assert app.personal_data(john).distinct_ids == [jane.id]
    assert app.personal_data(jane).distinct_ids == [john.id]


def test_an_erased_lead_leaves_no_pair(app: Application, john: Lead, jon: Lead) -> None:
    app.mark_distinct(john, jon)
    app.erase(jon)
    assert app.personal_data(john).distinct_ids == []
    assert app.similar(john) == []


def test_the_other_lead_must_exist_and_be_another_one(app: Application, john: Lead, jon: Lead, jane: Lead) -> None:
    app.merge(jane, jon)
    for other, message in (
        (john, "/lead_id: A lead cannot be distinct from itself."),
        (a_lead(id=an_id(9)), f"/lead_id: No lead has the id {an_id(9)}."),
        (jon, f"/lead_id: The lead {jon.id} was merged into the lead {jane.id}."),
        (a_lead(id="jon"), "/lead_id: 'jon' is not an id. An id is a UUID."),
    ):
        with pytest.raises(ValidationFailed) as refused:
            app.mark_distinct(john, other)
        assert str(refused.value) == message
    with pytest.raises(ValidationFailed):
        app.mark_distinct(jane, jon)


def test_an_unknown_or_merged_lead_is_reported(app: Application, john: Lead, jon: Lead) -> None:
    app.merge(john, jon)
    for use_case in (app.similar, lambda lead: app.mark_distinct(lead, john)):
        with pytest.raises(Merged):
            use_case(jon)
        with pytest.raises(NotFound):
            use_case(a_lead(id=an_id(9)))


def test_the_other_lead_must_be_named() -> None:
    with pytest.raises(ValidationFailed, match=r"^/lead_id: This field is required"):
        check_distinct({})
