"""The peers: Arrow's own C++ Flight server over the same shard files, and the same bytes over a bare socket.

    peer_flight.py flight SHARD…      peer_flight.py tcp SHARD…

Prints the port that it serves on, and serves until it is killed.
"""

import socket
import sys

import pyarrow as pa
import pyarrow.flight as flight


class Server(flight.FlightServerBase):
    """One ticket a shard; each stream reads its file through a memory map."""

    def __init__(self, shards: list[str]) -> None:
        super().__init__("grpc://127.0.0.1:0")
        self.shards = shards

    def do_get(self, context: flight.ServerCallContext, ticket: flight.Ticket) -> flight.RecordBatchStream:
        file = pa.ipc.open_file(pa.memory_map(self.shards[int(ticket.ticket)]))
        batches = [file.get_batch(n) for n in range(file.num_record_batches)]
        return flight.RecordBatchStream(pa.RecordBatchReader.from_batches(file.schema, batches))


def serve_bytes(shards: list[str]) -> None:
    """Sends all files to each connection, in pieces of 1 MiB, from their maps."""
    maps = [memoryview(pa.memory_map(shard).read_buffer()) for shard in shards]
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for data in maps:
                for start in range(0, len(data), 1 << 20):
                    connection.sendall(data[start : start + (1 << 20)])


if __name__ == "__main__":
    kind, *files = sys.argv[1:]
    if kind == "tcp":
        serve_bytes(files)
    else:
        server = Server(files)
        print(server.port, flush=True)
        server.serve()
