"""Health check of a data set: findings that inflate or degrade results, and their remedies."""
