def test_that_has_nothing_to_do_with_the_lamp():
    raise AssertionError
