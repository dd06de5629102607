"""What the pages tell an operator to type, typed word for word, and what it does."""
