"""What the database holds, as one frozen value: tables, columns, keys, functions, and who may do what with them."""
