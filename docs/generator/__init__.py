"""Makes the pages of docs/reference/ from the program itself: `make reference`."""
