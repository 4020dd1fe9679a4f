"""One certificate from request to signed token, its life afterwards, and batches of them."""
