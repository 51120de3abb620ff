"""Catalogue of public data sets."""

from dataclasses import dataclass

from medrecog_core.errors import UsageError
from medrecog_core.settings import read_settings


@dataclass(frozen=True)
class PublishedFile:
    """A file of a publisher.

    Attributes
    ----------
    name
        Name of the file.
    address
        Download address.
    n_bytes
        Its size, which also limits the download.
    md5
        As published by the host; empty if it is not.
    """

    name: str
    address: str
    n_bytes: int
    md5: str = ""


@dataclass(frozen=True)
class CatalogueEntry:
    """A public data set.

    Attributes
    ----------
    name
        Its name here.
    title
        Title shown to users.
    citation
        Citation.
    licence
        Licence as stated by its publisher.
    page
        Page of its publisher.
    counts
        Number of images of each class, in total or as (train, test); None if not published.
    layout
        Description of its folders and files.
    split_rule, group_rule
        Descriptions of its split and groups.
    files
        Files to download.
    n_images
        Total number of images, 0 if not published.
    remark
        Further remarks.
    selects_classes
        Whether `counts` covers only some of the classes in the files.
    """

    name: str
    title: str
    citation: str
    licence: str
    page: str
    counts: dict[str, int | tuple[int, int] | None]
    layout: str
    split_rule: str
    group_rule: str
    files: tuple[PublishedFile, ...]
    n_images: int
    remark: str = ""
    selects_classes: bool = False

    @property
    def classes(self) -> tuple[str, ...]:
        """Its labels, sorted."""
        return tuple(sorted(self.counts))

    @property
    def n_bytes(self) -> int:
        """Bytes to download."""
        return sum(file.n_bytes for file in self.files)

    @property
    def by_hand(self) -> str:
        """How to get it without `datasets download`."""
        names = " and ".join(file.name for file in self.files)
        chosen = f" --catalogue {self.name}" if self.selects_classes else ""
        return (
            f"open {self.page} in a browser, download {names} (no account is needed), and run "
            f"`python -m medrecog_core datasets add {self.name} "
            f"{' '.join(file.name for file in self.files)}{chosen}`"
        )

    def address(self, file: PublishedFile) -> str:
        """Return the download address of a file, at its publisher or the configured mirror.

        Raises
        ------
        UsageError
            If the configured mirror is not a web address.
        """
        mirror = read_settings().datasets_mirror
        return f"{mirror}/{self.name}/{file.name}" if mirror else file.address


_MIT_CLASSES = (
    *("airport_inside", "artstudio", "auditorium", "bakery", "bar", "bathroom", "bedroom"),
    *("bookstore", "bowling", "buffet", "casino", "children_room", "church_inside", "classroom"),
    *("cloister", "closet", "clothingstore", "computerroom", "concert_hall", "corridor", "deli"),
    *("dentaloffice", "dining_room", "elevator", "fastfood_restaurant", "florist", "gameroom"),
    *("garage", "greenhouse", "grocerystore", "gym", "hairsalon", "hospitalroom", "inside_bus"),
    *("inside_subway", "jewelleryshop", "kindergarden", "kitchen", "laboratorywet", "laundromat"),
    *("library", "livingroom", "lobby", "locker_room", "mall", "meeting_room", "movietheater"),
    *("museum", "nursery", "office", "operating_room", "pantry", "poolinside", "prisoncell"),
    *("restaurant", "restaurant_kitchen", "shoeshop", "stairscase", "studiomusic", "subway"),
    *("toystore", "trainstation", "tv_studio", "videostore", "waitingroom", "warehouse"),
    "winecellar",
)
MINI_MIT_CLASSES = _MIT_CLASSES[:10]
"""The 2018 report mentions a mini-MIT set but does not define it. The rule of medrecog is the first
ten classes in alphabetical order, so that nothing is hand-picked."""

_MIT_CITATION = (
    "A. Quattoni and A. Torralba. Recognizing Indoor Scenes. CVPR 2009, "
    "doi:10.1109/CVPRW.2009.5206537"
)
_MIT_LICENCE = "for research purposes only, as stated by the publisher"
_MIT_PAGE = "https://web.mit.edu/torralba/www/indoor.html"
_MIT_FILES = (
    PublishedFile(
        "indoorCVPR_09.tar",
        "http://groups.csail.mit.edu/vision/LabelMe/NewImages/indoorCVPR_09.tar",
        2_400_000_000,
    ),
    PublishedFile("TrainImages.txt", "http://web.mit.edu/torralba/www/TrainImages.txt", 200_000),
    PublishedFile("TestImages.txt", "http://web.mit.edu/torralba/www/TestImages.txt", 50_000),
)
_MIT_SPLIT = (
    "given by the official lists TrainImages.txt and TestImages.txt, about 80 training and 20 "
    "test images per class; images in neither list are not used"
)
_MIT_LAYOUT = "Images/CLASS/*.jpg, and the two lists"
_NO_GROUPS = "none: the files do not show which images are of the same place"

_KVASIR_CLASSES = (
    *("dyed-lifted-polyps", "dyed-resection-margins", "esophagitis", "normal-cecum"),
    *("normal-pylorus", "normal-z-line", "polyps", "ulcerative-colitis"),
)
_KVASIR_CITATION = (
    "K. Pogorelov et al. KVASIR: A Multi-Class Image Dataset for Computer Aided Gastrointestinal "
    "Disease Detection. MMSys 2017, doi:10.1145/3083187.3083212"
)
_DATAVERSE = "https://dataverse.harvard.edu/api/access/datafile"


def _kvasir(version: int, file: str, n_bytes: int) -> CatalogueEntry:
    a_class = 500 * version
    return CatalogueEntry(
        name=f"kvasir-v{version}",
        title=f"Kvasir, version {version}",
        citation=_KVASIR_CITATION,
        licence="for research and educational purposes only, as stated by the publisher",
        page="https://datasets.simula.no/kvasir/",
        counts=dict.fromkeys(_KVASIR_CLASSES, a_class),
        layout="eight class folders of JPEG images, 720 x 576 to 1920 x 1072 pixels",
        split_rule="no predefined split: a stratified hold-out",
        group_rule="none: the files do not show which images are of the same patient or video",
        files=(
            PublishedFile(file, f"https://datasets.simula.no/downloads/kvasir/{file}", n_bytes),
        ),
        n_images=8 * a_class,
    )


_ENTRIES = (
    CatalogueEntry(
        name="mit67",
        title="MIT-67 indoor scenes",
        citation=_MIT_CITATION,
        licence=_MIT_LICENCE,
        page=_MIT_PAGE,
        counts=dict.fromkeys(_MIT_CLASSES),
        layout=_MIT_LAYOUT,
        split_rule=_MIT_SPLIT,
        group_rule=_NO_GROUPS,
        files=_MIT_FILES,
        n_images=6_700,
        remark="15,620 images are published; the lists name 5,360 for training and 1,340 for test.",
    ),
    CatalogueEntry(
        name="mini-mit",
        title="Mini-MIT: ten of the MIT-67 indoor scenes",
        citation=_MIT_CITATION,
        licence=_MIT_LICENCE,
        page=_MIT_PAGE,
        counts=dict.fromkeys(MINI_MIT_CLASSES),
        layout=_MIT_LAYOUT,
        split_rule=_MIT_SPLIT,
        group_rule=_NO_GROUPS,
        files=_MIT_FILES,
        n_images=0,
        remark=(
            "The 2018 report mentions this set but does not define it. medrecog uses the first "
            "ten classes in alphabetical order, with their images in the official lists."
        ),
        selects_classes=True,
    ),
    CatalogueEntry(
        name="chest-xray",
        title="Paediatric chest X-ray images",
        citation=(
            "D. Kermany, K. Zhang and M. Goldbaum. Labeled Optical Coherence Tomography (OCT) and "
            "Chest X-Ray Images for Classification. Mendeley Data, V2, 2018, "
            "doi:10.17632/rscbjbr9sj.2; D. Kermany et al. Cell 172(5), 2018"
        ),
        licence="CC BY 4.0",
        page="https://data.mendeley.com/datasets/rscbjbr9sj/2",
        counts={"NORMAL": (1_349, 234), "PNEUMONIA": (3_883, 390)},
        layout="chest_xray/train and test, each with NORMAL and PNEUMONIA; copies have a val too",
        split_rule=(
            "given by the folders train and test; a val folder is ignored as in the 2018 report, "
            "or added to the training images with --keep-val"
        ),
        group_rule=(
            "the patient in the file name: personN of bacteria or of virus, IM-N or "
            "NORMAL2-IM-N, each numbered separately"
        ),
        files=(
            PublishedFile(
                "ChestXRay2017.zip",
                "https://data.mendeley.com/public-files/datasets/rscbjbr9sj/files/"
                "f12eaf6d-6023-432f-acc9-80c9d7393433/file_downloaded",
                1_235_512_464,
            ),
        ),
        n_images=5_856,
        remark="In copies with a val folder, its 16 images are taken from the training images.",
    ),
    _kvasir(1, "kvasir-dataset.zip", 1_200_000_000),
    _kvasir(2, "kvasir-dataset-v2.zip", 2_300_000_000),
    CatalogueEntry(
        name="ham10000",
        title="HAM10000, dermatoscopic images of pigmented skin lesions",
        citation=(
            "P. Tschandl, C. Rosendahl and H. Kittler. The HAM10000 dataset, a large collection of "
            "multi-source dermatoscopic images of common pigmented skin lesions. Sci. Data 5, "
            "180161, 2018, doi:10.1038/sdata.2018.161; data doi:10.7910/DVN/DBW86T"
        ),
        licence="CC BY-NC 4.0",
        page="https://dataverse.harvard.edu/dataset.xhtml?persistentId=doi:10.7910/DVN/DBW86T",
        counts={
            **{"akiec": 327, "bcc": 514, "bkl": 1_099, "df": 115},
            **{"mel": 1_113, "nv": 6_705, "vasc": 142},
        },
        layout="HAM10000_images_part_1 and _2, and HAM10000_metadata.csv",
        split_rule="no predefined split: a stratified hold-out that keeps lesions whole",
        group_rule="the lesion, column lesion_id: 7,470 lesions have 10,015 images",
        files=(
            PublishedFile(
                "HAM10000_images_part_1.zip",
                f"{_DATAVERSE}/3172585",
                1_366_522_108,
                "4639bfa73ab251610530a97c898e6e46",
            ),
            PublishedFile(
                "HAM10000_images_part_2.zip",
                f"{_DATAVERSE}/3172584",
                1_403_566_547,
                "da43d6cc50f6613013be07e8986b384b",
            ),
            PublishedFile(
                "HAM10000_metadata.csv",
                f"{_DATAVERSE}/4338392?format=original",
                690_218,
                "8f85fb1aa29d80a2797247e434deb79d",
            ),
        ),
        n_images=10_015,
    ),
)

CATALOGUE = {entry.name: entry for entry in _ENTRIES}
"""Entries by name."""


def find(name: str) -> CatalogueEntry:
    """Return the entry of a name.

    Raises
    ------
    UsageError
        If there is none.
    """
    try:
        return CATALOGUE[name]
    except KeyError:
        raise UsageError(
            f"Unknown data set “{name}” in the catalogue. Available: {', '.join(CATALOGUE)}."
        ) from None
