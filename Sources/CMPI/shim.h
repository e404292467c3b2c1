// MPI as Swift can see it, without a library of our own: handles are macros, which Swift does not
// import, so each has an inline getter here. What differs between implementations (a handle is a
// pointer in Open MPI, an integer in MPICH) stays inside of one-field structs: Swift calls MPI by
// its own names with `&box.request` and compiles unchanged against either.

#ifndef CMPI_SHIM_H
#define CMPI_SHIM_H

#include <mpi.h>

#define CMPI_VALUE(type, name, value) \
  static inline type cmpi_##name(void) { return (value); }

CMPI_VALUE(int, success, MPI_SUCCESS)
CMPI_VALUE(int, any_source, MPI_ANY_SOURCE)
CMPI_VALUE(int, any_tag, MPI_ANY_TAG)
CMPI_VALUE(int, proc_null, MPI_PROC_NULL)
CMPI_VALUE(int, undefined, MPI_UNDEFINED)
CMPI_VALUE(int, thread_single, MPI_THREAD_SINGLE)
CMPI_VALUE(int, thread_funneled, MPI_THREAD_FUNNELED)
CMPI_VALUE(int, thread_serialized, MPI_THREAD_SERIALIZED)
CMPI_VALUE(int, thread_multiple, MPI_THREAD_MULTIPLE)
CMPI_VALUE(int, comm_type_shared, MPI_COMM_TYPE_SHARED)
CMPI_VALUE(int, mode_nocheck, MPI_MODE_NOCHECK)
CMPI_VALUE(int, max_error_string, MPI_MAX_ERROR_STRING)
CMPI_VALUE(int, max_processor_name, MPI_MAX_PROCESSOR_NAME)
CMPI_VALUE(int, max_library_version_string, MPI_MAX_LIBRARY_VERSION_STRING)

CMPI_VALUE(MPI_Comm, comm_world, MPI_COMM_WORLD)
CMPI_VALUE(MPI_Comm, comm_self, MPI_COMM_SELF)
CMPI_VALUE(MPI_Comm, comm_null, MPI_COMM_NULL)
CMPI_VALUE(MPI_Request, request_null, MPI_REQUEST_NULL)
CMPI_VALUE(MPI_Win, win_null, MPI_WIN_NULL)
CMPI_VALUE(MPI_Info, info_null, MPI_INFO_NULL)
CMPI_VALUE(MPI_Errhandler, errors_return, MPI_ERRORS_RETURN)

CMPI_VALUE(MPI_Datatype, byte, MPI_BYTE)
CMPI_VALUE(MPI_Datatype, float, MPI_FLOAT)
CMPI_VALUE(MPI_Datatype, double, MPI_DOUBLE)

CMPI_VALUE(MPI_Op, sum, MPI_SUM)
CMPI_VALUE(MPI_Op, min, MPI_MIN)
CMPI_VALUE(MPI_Op, max, MPI_MAX)

// NULL in Open MPI, (MPI_Status *)1 in MPICH: never pass nil instead.
CMPI_VALUE(MPI_Status *, status_ignore, MPI_STATUS_IGNORE)
// (void *)1 in Open MPI, (void *)-1 in MPICH.
CMPI_VALUE(void *, in_place, MPI_IN_PLACE)

// Swift's name for MPI_Request * depends on the implementation; this one does not.
typedef MPI_Request *cmpi_request_pointer;

typedef struct { MPI_Comm comm; } cmpi_comm;
typedef struct { MPI_Request request; } cmpi_request;
typedef struct { MPI_Datatype datatype; } cmpi_datatype;
typedef struct { MPI_Win win; } cmpi_win;
typedef struct { MPI_Group group; } cmpi_group;

// The same null handles, boxed, to begin with.
static inline cmpi_comm cmpi_no_comm(void) { return (cmpi_comm){MPI_COMM_NULL}; }
static inline cmpi_request cmpi_no_request(void) { return (cmpi_request){MPI_REQUEST_NULL}; }
static inline cmpi_datatype cmpi_bytes(void) { return (cmpi_datatype){MPI_BYTE}; }
static inline cmpi_win cmpi_no_win(void) { return (cmpi_win){MPI_WIN_NULL}; }
static inline cmpi_group cmpi_no_group(void) { return (cmpi_group){MPI_GROUP_NULL}; }

#endif
