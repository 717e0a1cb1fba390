"""The whole house on a real cluster: installed by the chart, disturbed under load, and its books compared."""
