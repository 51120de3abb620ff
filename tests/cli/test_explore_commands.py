"""`embed` and `similar`."""

import csv


class TestEmbed:
    def test_every_image_has_a_point(self, call, finished, tmp_path):
        answer = call("embed", finished.id, "--to", tmp_path / "map.csv", "--json")
        assert answer.status == 0
        assert len(answer.json["points"]) == len(finished.images())
        assert len(answer.json["explained"]) == 2
        with (tmp_path / "map.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["image"] for row in rows] == [image.name for image in finished.images()]

    def test_tsne_has_no_axes_and_other_methods_are_bad_usage(self, call, finished):
        assert call("embed", finished.id, "--method", "tsne", "--json").json["explained"] is None
        assert call("embed", finished.id, "--method", "x").status == 2


class TestSimilar:
    def test_the_most_similar_images_come_first(self, call, finished):
        name = finished.images()[0].file.name
        found = call("similar", finished.id, "--image", name, "--number", "3", "--json").json
        assert found["label"] == finished.images()[0].label
        distances = [each["distance"] for each in found["similar"]]
        assert len(distances) == 3
        assert distances == sorted(distances)

    def test_a_name_that_is_not_one_image_s_is_bad_usage(self, call, finished):
        assert call("similar", finished.id, "--image", "x.png").status == 2
