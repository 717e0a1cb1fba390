"""The same durable hop written six times: ours lies elsewhere, here are a ceiling by hand and the peers."""
