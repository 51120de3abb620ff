from medrecog_core.images import PLAIN, Image, Rendering


def test_an_image_is_known_by_its_content_and_its_rendering():
    one, other = (Image("a.tif", "00", rendering=each) for each in (PLAIN, Rendering(frame=2)))
    assert one.identity != other.identity
    assert one.identity == Image("b.tif", "00", "label", "group").identity
    assert (one.name, other.name) == ("a.tif", "a.tif#2")
