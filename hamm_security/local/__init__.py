"""PostgreSQL and Valkey for demonstration and tests: private servers on unix sockets, owned by this process."""
