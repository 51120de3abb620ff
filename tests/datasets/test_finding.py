from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.datasets import Dataset, FileState, ImageRecord
from medrecog_core.datasets.class_balance import small_class_findings, training_findings
from medrecog_core.datasets.class_names import spelling_findings, unlabelled_findings
from medrecog_core.datasets.image_quality import quality_findings
from medrecog_core.datasets.leaks import (
    duplicate_findings,
    group_findings,
    near_duplicate_findings,
)
from medrecog_core.datasets.measurement import ImageMeasurement

rows = st.lists(
    st.tuples(
        st.sampled_from(("a", "A", "b", "nan")),
        st.sampled_from(("", "train", "val", "test")),
        st.sampled_from(("", "p", "q")),
        st.sampled_from("xyz123456789"),
        st.booleans(),
    ),
    min_size=2,
    max_size=40,
).filter(lambda rows: len({row[0] for row in rows}) > 1)


@given(rows, st.data())
def test_no_remedy_that_is_offered_leaves_fewer_than_two_classes(rows, data):
    images = tuple(
        ImageRecord(f"{i:02d}", label, split, group, FileState(content, 1, 1))
        for i, (label, split, group, content, _) in enumerate(rows)
    )
    dataset = Dataset("skin", Path("/images"), images, "made")
    positions = st.integers(0, len(rows) - 1)
    pairs = data.draw(st.lists(st.tuples(positions, positions).filter(lambda p: p[0] < p[1])))
    measurements = {
        image.path: ImageMeasurement("gone" if is_gone else "", 9, 9)
        for image, (*_, is_gone) in zip(images, rows, strict=True)
    }
    findings = (
        *duplicate_findings(dataset),
        *near_duplicate_findings(dataset, sorted(set(pairs)))[0],
        *group_findings(dataset),
        *training_findings(dataset),
        *small_class_findings(dataset),
        *spelling_findings(dataset),
        *unlabelled_findings(dataset),
        *quality_findings(measurements),
    )
    for finding in findings:
        guarded = finding.guarded(dataset)
        assert (guarded.remedy is None) == bool(guarded.refusal)
        if guarded.remedy is None:
            continue
        names = dict(guarded.remedy.merges)
        left = [image for image in images if image.path not in guarded.to_exclude]
        kept = {names.get(image.label, image.label) for image in left}
        assert len(kept) >= 2
        assert kept >= {names.get(c, c) for c in dataset.classes} - set(guarded.remedy.classes)
