"""What a folder, archive, table or DICOM tree means: a proposal with its reasons and warnings."""
