"""The query dialect: filters, select, order, preferences and ranges, parsed into values. Pure."""
