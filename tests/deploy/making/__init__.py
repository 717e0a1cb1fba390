"""Makes the chart's files that follow from the code and from values.yaml; a test holds them against what is stored."""
