"""A second opinion on the rule book: the tables of docs/rule-book.md, evaluated as they stand."""
