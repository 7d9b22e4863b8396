"""Read from talk and questions who speaks where, which day a question means, and what it is about."""
