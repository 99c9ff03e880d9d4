"""A made-up but believable Hamm for demonstrations: pure generation here, writing in `writer` and `cast`."""
