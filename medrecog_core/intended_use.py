"""What results and models are for, in the words that stand beside them everywhere."""

RESEARCH_ONLY = "For research, not for diagnosis."
