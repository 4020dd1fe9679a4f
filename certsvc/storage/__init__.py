"""Tables, migrations and repositories; every repository works on a connection it is given."""
