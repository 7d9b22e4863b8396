"""One file a dialect: its messages as parts, and the steps that all dialects share."""
