"""The resources, one controller each."""
