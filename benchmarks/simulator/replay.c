// Runs the scripts of `apus plan --export` (one per rank) on any MPI, SimGrid's simulated one above
// all: the same posts, sends, waits and computing, in the same order, by another simulator.
// Usage: replay FOLDER FLOPS-PER-SECOND; prints the seconds until the last rank is done.
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { WORK, POST, SEND, TAKE, SETTLE };
struct step {
  enum kind kind;
  int number, peer, bytes;
  double seconds;
};

static void *room(size_t bytes) {
#ifdef SMPI_SHARED_MALLOC
  return SMPI_SHARED_MALLOC(bytes);  // one piece for all ranks: contents do not matter
#else
  return malloc(bytes);
#endif
}

static int fail(const char *text) {
  fprintf(stderr, "replay: %s\n", text);
  MPI_Abort(MPI_COMM_WORLD, 65);
  return 1;
}

int main(int argc, char **argv) {
  int rank;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (argc != 3) return fail("usage: replay FOLDER FLOPS-PER-SECOND");
  const double speed = atof(argv[2]);
  char path[4096];
  snprintf(path, sizeof path, "%s/%d", argv[1], rank);
  FILE *file = fopen(path, "r");
  if (!file) return fail("a rank's script is missing");
  struct step *steps = NULL;
  int count = 0, space = 0, sends = 0, receives = 0;
  size_t largest = 1;
  char word[16];
  while (fscanf(file, "%15s", word) == 1) {
    struct step step = {0};
    int fields;
    if (!strcmp(word, "work")) {
      step.kind = WORK;
      fields = fscanf(file, "%lf", &step.seconds) == 1;
    } else if (!strcmp(word, "post") || !strcmp(word, "send")) {
      step.kind = word[0] == 'p' ? POST : SEND;
      fields = fscanf(file, "%d %d %d", &step.number, &step.peer, &step.bytes) == 3;
      int *most = step.kind == POST ? &receives : &sends;
      if (step.number >= *most) *most = step.number + 1;
      if ((size_t)step.bytes > largest) largest = step.bytes;
    } else if (!strcmp(word, "take") || !strcmp(word, "settle")) {
      step.kind = word[0] == 't' ? TAKE : SETTLE;
      fields = fscanf(file, "%d", &step.number) == 1;
    } else {
      return fail("a step that is not known here");
    }
    if (!fields) return fail("a step is cut short");
    if (count == space) steps = realloc(steps, (space = 2 * space + 64) * sizeof *steps);
    steps[count++] = step;
  }
  fclose(file);
  MPI_Request *sent = calloc(sends + 1, sizeof *sent), *received = calloc(receives + 1, sizeof *received);
  char *out = room(largest), *into = room(largest);

  const double start = MPI_Wtime();
  for (int i = 0; i < count; i++) {
    const struct step s = steps[i];
    switch (s.kind) {
    case WORK:
#ifdef SMPI_SHARED_MALLOC
      smpi_execute_flops(s.seconds * speed);
#else
      for (double end = MPI_Wtime() + s.seconds; MPI_Wtime() < end;) {
      }
#endif
      break;
    case POST:
      MPI_Irecv(into, s.bytes, MPI_BYTE, s.peer, 0, MPI_COMM_WORLD, &received[s.number]);
      break;
    case SEND:
      MPI_Isend(out, s.bytes, MPI_BYTE, s.peer, 0, MPI_COMM_WORLD, &sent[s.number]);
      break;
    case TAKE: MPI_Wait(&received[s.number], MPI_STATUS_IGNORE); break;
    case SETTLE: MPI_Wait(&sent[s.number], MPI_STATUS_IGNORE); break;
    }
  }
  double seconds = MPI_Wtime() - start, last = 0;
  MPI_Reduce(&seconds, &last, 1, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
  if (rank == 0) printf("%.9f\n", last);
  MPI_Finalize();
  return 0;
}
