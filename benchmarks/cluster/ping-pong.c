// Time of a message between ranks 0 and 1, there and back; the others wait without calling MPI.
// Prints one line: bytes, microseconds one way (minimum and median over repeats), Mbit/s at the
// minimum. Plain C on plain MPI, so that it says what the network gives without Apus.
// Usage: ping-pong BYTES REPEATS
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  int rank, size;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  const int bytes = argc == 3 ? atoi(argv[1]) : 0, repeats = argc == 3 ? atoi(argv[2]) : 0;
  char *buffer = bytes > 0 ? calloc(bytes, 1) : NULL;
  double *times = repeats > 0 ? calloc(repeats, sizeof *times) : NULL;
  if (size < 2 || !buffer || !times) {
    fprintf(stderr, "ping-pong: needs two ranks, a number of bytes and one of repeats\n");
    MPI_Abort(MPI_COMM_WORLD, 64);
  }
  for (int turn = -1; turn < repeats && rank < 2; turn++) {  // the first opens the connection
    const double start = MPI_Wtime();
    if (rank == 0) MPI_Send(buffer, bytes, MPI_BYTE, 1, 0, MPI_COMM_WORLD);
    MPI_Recv(buffer, bytes, MPI_BYTE, 1 - rank, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (rank == 1) MPI_Send(buffer, bytes, MPI_BYTE, 0, 0, MPI_COMM_WORLD);
    if (turn >= 0) times[turn] = (MPI_Wtime() - start) / 2;
  }
  // A barrier spins: on a machine whose cores the nodes share, the others sleep instead.
  MPI_Request barrier;
  MPI_Ibarrier(MPI_COMM_WORLD, &barrier);
  for (int passed = 0; !passed; usleep(1000)) MPI_Test(&barrier, &passed, MPI_STATUS_IGNORE);
  if (rank == 0) {
    qsort(times, repeats, sizeof *times, ascending);
    printf("ping-pong %10d bytes %12.1f us min %12.1f us median %10.1f Mbit/s\n", bytes,
           times[0] * 1e6, times[repeats / 2] * 1e6, bytes * 8e-6 / times[0]);
  }
  MPI_Finalize();
  return 0;
}
