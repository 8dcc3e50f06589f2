"""What can be wrong, by what it is about. A check looks at `Facts` and yields findings; its docstring is its line in the reference."""
