"""Data sets in class folders that are known by their classes and file names."""

from dataclasses import replace

from medrecog_core.datasets import catalogue
from medrecog_core.datasets.chest_patients import PATIENT_OF, chest_patient
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.datasets.intake.layouts.layout import share


def with_name(found: Interpretation) -> Interpretation:
    """Return the interpretation of folders, with the name and the groups of a known data set."""
    labels = set(found.classes)
    if labels == set(PATIENT_OF) and any(chest_patient(image) for image in found.images):
        images = tuple(replace(image, group=chest_patient(image)) for image in found.images)
        patients = "groups are the patients in the file names"
        layout = f"chest X-ray images, {found.layout}, {patients}{share(images, 'chest-xray')}"
        return replace(found, images=images, layout=layout)
    if labels == set(catalogue.find("kvasir-v2").classes):
        return replace(found, layout=f"Kvasir, {found.layout}; the files do not identify patients")
    return found
