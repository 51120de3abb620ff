from medrecog_core.classification import HYPER_PARAMETERS
from medrecog_core.locations import CacheFolder
from medrecog_core.runs import RunSpecification, create_run
from medrecog_core.runs.description import (
    Reservation,
    differing_settings,
    reservations,
    run_settings,
    used_settings,
)
from tests.made_runs import made_run, rewrite_record


def test_only_what_differs_is_told_in_words(cache: CacheFolder) -> None:
    names, values = differing_settings([made_run(), made_run(C=[0.1, 10], sample=50)])
    assert names == ("sample", "C")
    assert values == [("all images", "1"), ("50", "0.1, 10")]


def test_nothing_differs_between_equals(cache: CacheFolder) -> None:
    assert differing_settings([made_run(), made_run()]) == ((), [(), ()])


def test_what_a_run_found_counts_too(cache: CacheFolder) -> None:
    one, other = made_run(), made_run()
    rewrite_record(other, weights={"identity": "mine"}, dataset={"fingerprint": "f" * 64})
    names, values = differing_settings([one, other])
    assert names == ("weights", "fingerprint of the data set")
    assert values[1] == ("embedded (mine)", "ffffffffffff")


def test_every_field_of_a_specification_has_a_name(cache: CacheFolder) -> None:
    run = made_run()
    fields = set(RunSpecification.model_fields) - {"parameter_values"}
    # Two runs that differ in nothing but one field are never told to be the same.
    from medrecog_core.runs.description import _ASKED

    assert fields - {"precision", "engine"} == set(_ASKED)
    assert set(HYPER_PARAMETERS) <= set(run_settings(run))
    assert run_settings(run)["precision"] == "float32"


def test_runs_of_other_classifiers_differ_in_their_hyper_parameters(cache: CacheFolder) -> None:
    names, values = differing_settings([made_run(), made_run(classifier="knn", k=3)])
    assert names == ("classifier", "C", "k")
    assert values == [("linear SVM", "1", "not used"), ("k-nearest neighbours", "not used", "3")]


def test_only_settings_that_had_an_effect_are_used(cache: CacheFolder) -> None:
    used = used_settings(made_run())
    assert {"layers", "C", "split", "weights"} <= used.keys()
    assert used.keys().isdisjoint({"k", "sample", "fusions", "components", "protocol", "folds"})
    assert used["normalisation"] == "l2"
    reduced = used_settings(made_run(normalisation="pca", n_components=3, C=[1, 10]))
    assert reduced["normalisation"] == "pca, 3 components"
    assert reduced["C"].startswith("1, 10 (")


def test_a_run_without_a_record_has_the_settings_that_were_asked_for(cache: CacheFolder) -> None:
    specification = made_run().specification()
    used = used_settings(create_run(specification))
    assert (used["protocol"], used["folds"], used["seed"]) == ("auto", "5", "0")
    assert used.keys().isdisjoint({"weights", "engine", "split", "images", "medrecog"})


def test_every_limit_of_the_results_has_a_sentence(cache: CacheFolder) -> None:
    run = made_run()
    rewrite_record(run, weights={"title": "official Keras weights"})
    assert set(reservations(run)) == {Reservation.SMALL_TEST}
    rewrite_record(
        run,
        dataset={"synthetic": True, "layout": "drawn"},
        sample="a sample of 6 of 60 images",
        split={"n_leaking_groups": 2},
        skipped=[{"path": "a.png", "reason": "empty"}],
        weights={"title": "mine"},
    )
    found = reservations(run)
    assert set(found) == set(Reservation)
    for kind, words in (
        (Reservation.SYNTHETIC, "drawn"),
        (Reservation.SAMPLE, "a sample of 6 of 60 images"),
        (Reservation.LEAKAGE, "2 groups"),
        (Reservation.SMALL_TEST, "fewer than 30 test images"),
        (Reservation.SKIPPED, "1 image"),
        (Reservation.WEIGHTS, "mine"),
    ):
        assert words in found[kind]
