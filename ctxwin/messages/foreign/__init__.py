"""Conversations as other programs keep them, read as messages: one file for each form."""
