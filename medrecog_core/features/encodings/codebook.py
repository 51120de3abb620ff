"""What an encoding learns from training images, and encoding images with it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from medrecog_core.errors import UsageError
from medrecog_core.features.encodings.encoders import (
    GaussianMixture,
    encode_bag_of_words,
    encode_fisher_vector,
    encode_vlad,
    learn_mixture,
    learn_words,
    signed_square_root,
    unit_length,
)
from medrecog_core.features.encodings.local_descriptors import (
    LocalDescriptors,
    sample_local_descriptors,
)
from medrecog_core.features.pooling import ENCODINGS
from medrecog_core.jobs.progress import Meter, Progress, Stage, ignore, never, stop_if

DEFAULT_N_WORDS = {"bow": 512, "vlad": 32, "fisher": 32}
"""Words, or Gaussians, of each encoding where nothing else is asked for.

These numbers and that of the components were chosen on `block4` by cross-validation within the
training images of 15 scenes, among 16 to 64 words and 64 to 256 components; maps of few positions
want few words. `benchmarks/encodings.py` prints such cross-validations.
"""

_N_COMPONENTS = 128
_MOST_DESCRIPTORS = 100_000
_SAMPLE_BYTES = 256 * 2**20


@dataclass(frozen=True, eq=False)
class Codebook:
    """What turns an image's local descriptors into one vector; frozen, and plain arrays only.

    Attributes
    ----------
    encoding
        `bow`, `vlad` or `fisher`.
    mean
        What principal component analysis subtracts, shape (channels,).
    components
        Its directions, shape (n_components, channels).
    words
        Centres of clusters, or the Gaussians' means, shape (n_words, n_components).
    weights, variances
        Of the Gaussians, shapes (n_words,) and (n_words, n_components); None without them.
    """

    encoding: str
    mean: np.ndarray
    components: np.ndarray
    words: np.ndarray
    weights: np.ndarray | None = None
    variances: np.ndarray | None = None

    @property
    def length(self) -> int:
        """Length of the vector that an image gets."""
        numbers_a_word = {
            "bow": 1,
            "vlad": len(self.components),
            "fisher": 2 * len(self.components),
        }
        return len(self.words) * numbers_a_word[self.encoding]

    def encode(self, descriptors: np.ndarray) -> np.ndarray:
        """Encode images of equally many positions.

        Parameters
        ----------
        descriptors
            Local descriptors of n images, shape (n, n_positions, channels).

        Returns
        -------
        numpy.ndarray
            float32, shape (n, length); the order of the positions does not matter.
        """
        # The one product that is large stays in the descriptors' own precision.
        components = self.components.T.astype(descriptors.dtype)
        reduced = _rooted(descriptors) @ components - self.mean @ self.components.T
        if self.encoding == "bow":
            encoded = encode_bag_of_words(reduced, self.words)
        elif self.encoding == "vlad":
            encoded = encode_vlad(reduced, self.words)
        else:
            encoded = encode_fisher_vector(reduced, self._mixture)
        return encoded.astype(np.float32)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by name, to be kept without a pickle."""
        arrays = {"mean": self.mean, "components": self.components, "words": self.words}
        if self.encoding == "fisher":
            mixture = self._mixture
            arrays |= {"weights": mixture.weights, "variances": mixture.variances}
        return arrays

    @classmethod
    def from_arrays(
        cls, encoding: str, arrays: Mapping[str, np.ndarray], channels: int
    ) -> "Codebook":
        """Return the codebook that `to_arrays` gave the arrays of.

        Parameters
        ----------
        encoding
            `bow`, `vlad` or `fisher`.
        arrays
            By name; others than the encoding's are left alone.
        channels
            Of the layer.

        Raises
        ------
        KeyError
            If an array is missing.
        ValueError
            If the encoding does not exist, or an array has not the shape that the others ask for
            or a number that cannot be.
        """
        if encoding not in ENCODINGS:
            raise ValueError(f"Unknown encoding “{encoding}”")
        components, words = arrays["components"], arrays["words"]
        shapes = {
            "mean": (channels,),
            "components": (components.shape[0], channels),
            "words": (words.shape[0], components.shape[0]),
        }
        if encoding == "fisher":
            shapes |= {"weights": (words.shape[0],), "variances": words.shape}
        for name, shape in shapes.items():
            values = arrays[name]
            if values.shape != shape or values.dtype != np.float64 or not values.size:
                raise ValueError("the arrays have not the shape of a codebook")
            if not np.isfinite(values).all():
                raise ValueError("a number of the arrays is not finite")
            if name in ("weights", "variances") and not (values > 0).all():
                raise ValueError("a weight or variance of the arrays is not greater than 0")
        return cls(encoding, **{name: arrays[name] for name in shapes})

    @property
    def _mixture(self) -> GaussianMixture:
        if self.weights is None or self.variances is None:
            raise ValueError("a codebook of Fisher vectors has weights and variances")
        return GaussianMixture(self.weights, self.words, self.variances)


def learn_codebook(
    images: LocalDescriptors,
    encoding: str,
    n_words: int | None = None,
    seed: int = 0,
    report: Callable[[Progress], None] = ignore,
    should_stop: Callable[[], bool] = never,
) -> Codebook:
    """Learn a codebook from training images.

    At most 100,000 local descriptors, and no more than 256 MB of them in float32, are drawn at
    random and held; the images are read once, one at a time. A descriptor's numbers are replaced
    by their signed square roots and brought to length 1 (RootSIFT: Arandjelović and Zisserman,
    2012, "Three things everyone should know to improve object retrieval", section 3), and it is
    reduced to 128 principal components (Jégou, Perronnin, Douze, Sánchez, Pérez and Schmid, 2012,
    "Aggregating local image descriptors into compact codes").

    Parameters
    ----------
    images
        Local descriptors of the training images, and of no others.
    encoding
        `bow`, `vlad` or `fisher`.
    n_words
        Words or Gaussians; None: `DEFAULT_N_WORDS`.
    seed
        Of the draw, the principal components and the clusters.
    report, should_stop
        Called with the progress, and asked between the steps.

    Raises
    ------
    StoppedError
        If `should_stop` says so.
    UsageError
        If the encoding does not exist, or the images have fewer local descriptors than words.
    """
    from sklearn.decomposition import PCA

    if encoding not in ENCODINGS:
        raise UsageError(f"Unknown encoding “{encoding}”. Available: {', '.join(ENCODINGS)}.")
    n_words = n_words or DEFAULT_N_WORDS[encoding]
    channels = images[0].shape[1]
    most = min(_MOST_DESCRIPTORS, _SAMPLE_BYTES // (4 * channels))
    sample = _rooted(sample_local_descriptors(images, most, seed, report, should_stop))
    if len(sample) < n_words:
        raise UsageError(
            f"{len(images)} training images have {len(sample)} local descriptors, too few for "
            f"a codebook size of {n_words}. Choose a smaller codebook, a larger input size or an "
            "earlier layer."
        )
    stage = Stage("learn-codebook", f"Learning a codebook of size {n_words}")
    report(Progress(stage, 0, 1))
    stop_if(should_stop())
    # Images of one colour have no variance to take shares of.
    with np.errstate(invalid="ignore"):
        reduction = PCA(min(_N_COMPONENTS, *sample.shape), random_state=seed).fit(sample)
    reduced = reduction.transform(sample)
    stop_if(should_stop())
    mean, components = (
        np.asarray(values, dtype=np.float64) for values in (reduction.mean_, reduction.components_)
    )
    if encoding == "fisher":
        mixture = learn_mixture(reduced, n_words, seed)
        codebook = Codebook(
            encoding, mean, components, mixture.means, mixture.weights, mixture.variances
        )
    else:
        codebook = Codebook(encoding, mean, components, learn_words(reduced, n_words, seed))
    report(Progress(stage, 1, 1))
    return codebook


def _rooted(descriptors: np.ndarray) -> np.ndarray:
    return unit_length(signed_square_root(descriptors))


_BATCH_BYTES = 32 * 2**20
_BATCH_POSITIONS = 2**14
_ENCODING = Stage("encode", "Encoding images", "images")


def encode_images(
    images: LocalDescriptors,
    codebook: Codebook,
    report: Callable[[Progress], None] = ignore,
    should_stop: Callable[[], bool] = never,
) -> np.ndarray:
    """Encode images in batches of 16,384 positions and 32 MB at most, or of one image.

    Parameters
    ----------
    images
        Read once, one at a time.
    codebook
        Learned from training images.
    report, should_stop
        Called with the progress, and asked before each batch.

    Returns
    -------
    numpy.ndarray
        float32, shape (len(images), codebook.length).

    Raises
    ------
    StoppedError
        If `should_stop` says so.
    """
    encoded = np.empty((len(images), codebook.length), dtype=np.float32)
    meter = Meter(_ENCODING, len(images), report)
    first = 0
    for batch in _batches(images):
        stop_if(should_stop())
        encoded[first : first + len(batch)] = codebook.encode(batch)
        first += len(batch)
        meter.add(len(batch))
    return encoded


def _batches(images: LocalDescriptors) -> Iterator[np.ndarray]:
    """Stack images that follow each other and have equally many positions."""
    batch: list[np.ndarray] = []
    for i in range(len(images)):
        image = images[i]
        most = min(_BATCH_BYTES // image.nbytes, _BATCH_POSITIONS // len(image))
        if batch and (len(batch) >= most or image.shape != batch[0].shape):
            yield np.stack(batch)
            batch = []
        batch.append(image)
    if batch:
        yield np.stack(batch)
