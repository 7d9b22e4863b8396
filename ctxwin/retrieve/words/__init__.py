"""Split texts into terms, and score texts by the terms that they share with a question."""
