"""`hanmadi serve`: a page that shows what the recogniser hears, and the same as an HTTP API. Needs ``[web]``."""
