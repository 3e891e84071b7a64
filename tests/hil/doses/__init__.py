"""Doses over a bad link: what is drawn, lived through, judged and told."""
