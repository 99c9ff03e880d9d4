"""Say at once when the demonstration's port is taken; needs only the standard library."""

import socket
import sys

HOST = "127.0.0.1"


def complaint(port: int) -> str | None:
    """Return why the port cannot be used (German), or None."""
    if not 1 <= port <= 65535:
        return f"{port} ist kein gültiger Port. Bitte eine Zahl von 1 bis 65535 angeben, etwa: make demo PORT=8001"
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            return f"Der Port {port} ist geschützt. Bitte einen Port ab 1024 wählen, etwa: make demo PORT=8001"
        except OSError:
            return (
                f"Der Port {port} ist bereits belegt. Bitte das andere Programm beenden "
                f"oder einen freien Port wählen, etwa: make demo PORT={port + 1 if port < 65535 else 8001}"
            )
    return None


if __name__ == "__main__":
    text = sys.argv[1] if len(sys.argv) > 1 else ""
    problem = complaint(int(text) if text.isdigit() else 0)
    if problem:
        print(problem, file=sys.stderr)
        sys.exit(1)
