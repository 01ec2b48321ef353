"""The sections of the report: numbers in, HTML out. `hanmadi.report` puts them together."""
