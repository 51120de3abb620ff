"""`label-errors` and `datasets review`."""

from medrecog_core.datasets import library
from tests.made_runs import made_run


class TestLabelErrors:
    def test_doubtful_labels_are_listed_with_probabilities(self, call, cache):
        run = made_run(n=240, n_folds=4, separations=(0.5, 2.0))
        answer = call("label-errors", run.id, "--json")
        assert answer.status == 0
        found = answer.json
        assert found["cell"] == "block2-224-average"
        assert (found["n_images"], found["n_untested"]) == (240, 0)
        own = [each["own_probability"] for each in found["images"]]
        assert own == sorted(own)
        assert own
        assert all(each["label"] != each["suggested"] for each in found["images"])
        assert found["images"][0]["path"] in call("label-errors", run.id).out

    def test_cell_number_and_rule_can_be_chosen(self, call, cache):
        run = made_run(n=240, n_folds=4, separations=(0.5, 2.0))
        options = ("--cell", "block1-224-average", "--number", "1", "--rule", "off-diagonal")
        found = call("label-errors", run.id, *options, "--json").json
        assert found["cell"] == "block1-224-average"
        assert len(found["images"]) == 1 < found["n_doubtful"]
        assert call("label-errors", run.id, "--rule", "x").status == 2

    def test_a_decision_is_beside_the_image(self, call, finished):
        found = call("label-errors", finished.id, "--json").json["images"]
        for each in found[:1]:
            call("datasets", "review", "textures", "--image", each["path"], "--right")
            again = call("label-errors", finished.id, "--json").json["images"]
            assert again[0]["decision"] == "label is right"


class TestReview:
    def test_labels_are_changed_listed_and_undone(self, call, known):
        path = library.load("textures").images[0].path
        answer = call("datasets", "review", "textures", "--image", path, "--as", "waves", "--json")
        assert answer.status == 0
        (changed,) = answer.json["relabelled"]
        assert (changed["path"], changed["label"]) == (path, "waves")
        assert path in call("datasets", "review", "textures").out
        undone = call("datasets", "review", "textures", "--image", path, "--undo", "--json").json
        assert undone["relabelled"] == []
        assert [each["decision"] for each in undone["history"]] == ["relabel", "undo"]

    def test_an_excluded_image_is_among_the_exclusions(self, call, known):
        path = library.load("textures").images[0].path
        answer = call("datasets", "review", "textures", "--image", path, "--exclude", "--json")
        assert answer.json["excluded_label_errors"] == [path]
        restored = call("datasets", "restore", "textures", "--finding", "label-error", "--json")
        assert restored.json["excluded"] == []

    def test_one_decision_and_its_images_belong_together(self, call, known):
        for options in (["--right"], ["--image", "x"], ["--image", "x", "--right", "--undo"]):
            assert call("datasets", "review", "textures", *options).status == 2
