"""Thousands of doses over a bad link, cables pulled and power cut in journal writes, each judged by the plant."""
