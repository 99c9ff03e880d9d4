"""The second lock: row-level security in PostgreSQL, declared table by table and installed after every migration."""
