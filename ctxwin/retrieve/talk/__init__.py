"""What is read off talk: who speaks when, which day a question means, what it is about."""
