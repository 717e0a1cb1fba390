"""Search: one projection row and one document a petition, a page and an API to find it again."""
