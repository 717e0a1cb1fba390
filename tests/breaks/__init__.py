"""Shows that the tests which docs/delivery.md names fail when their promise is broken: one small break at a time."""
