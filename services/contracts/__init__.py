"""The published language: one event envelope, one module per publishing service. It only ever grows."""
