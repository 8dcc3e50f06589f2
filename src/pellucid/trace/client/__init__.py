"""The client's half of a trace: names, sockets, certificates and HTTP, each with its own clock. Knows no server of ours and no database."""
